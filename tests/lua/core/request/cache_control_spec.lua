-- What a request's cache-control and pragma say about cached answers.

local cachecontrol = require "core.request.cache_control"

local ANY, NEVER = math.huge, -1

describe("cache-control of a request", function()
  for _, case in ipairs {
    { "nothing said: kept, and of any age", nil, nil, true, ANY },
    { "no-store is not kept, and may be answered", "no-store", nil, false, ANY },
    { "in any case and company", "private, No-Store", nil, false, ANY },
    { "no-cache is kept, and never answered from memory", "no-cache", nil, true, NEVER },
    { "both", "no-cache,no-store", nil, false, NEVER },
    { "sent in several headers", { "no-cache", "no-store" }, nil, false, NEVER },
    { "a limit to the age", "max-age=60", nil, true, 60 },
    { "none but fresh this second", "max-age=0", nil, true, 0 },
    { "in quotes", 'max-age="60"', nil, true, 60 },
    { "the smaller of two", "max-age=60, max-age=30", nil, true, 30 },
    { "no-cache is smaller than any", "no-cache, max-age=30", nil, true, NEVER },
    { "an age that is none is the shortest", "max-age=soon", nil, true, 0 },
    { "an age left out is the shortest", "max-age", nil, true, 0 },
    { "an age without end", "max-age=99999999999999999999", nil, true, 1e20 },
    { "spaces and tabs around", " \tno-cache\t , max-age=1 ", nil, true, NEVER },
    { "other words that look alike", "x-no-store, no-cacher, s-max-age=1, min-fresh=3", nil, true, ANY },
    { "a word inside another's value", 'x="no-store"', nil, true, ANY },
    { "pragma, where there is no cache-control", nil, "no-cache", true, NEVER },
    { "in any case", nil, "No-Cache", true, NEVER },
    { "in several headers", nil, { "x", "no-cache" }, true, NEVER },
    { "but cache-control is who says it where there is one", "max-age=60", "no-cache", true, 60 },
    { "pragma says nothing of storing", nil, "no-store", true, ANY },
    { "empty", "", "", true, ANY },
  } do
    it(case[1], function()
      local may_keep, max_age_s = cachecontrol.of(case[2], case[3])

      assert.are.same({ case[4], case[5] }, { may_keep, max_age_s })
    end)
  end
end)
