import { createInterface } from "node:readline";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { jsonSchema, Output, streamText, tool } from "ai";

async function held(asked) {
  const { model, messages, tools, response_format: format, extra_body: extra } = asked.chat;
  let failed = null;
  const provider = createOpenAICompatible({
    name: "pool", baseURL: asked.url + "/v1", apiKey: asked.key, supportsStructuredOutputs: true,
  });
  const named = (tools ?? []).map(({ function: f }) => [f.name, tool({ inputSchema: jsonSchema(f.parameters) })]);
  const result = streamText({
    model: provider(model), messages, maxRetries: 0, providerOptions: { pool: extra ?? {} },
    ...(named.length ? { tools: Object.fromEntries(named) } : {}),
    ...(format ? { output: Output.object({ schema: jsonSchema(format.json_schema.schema) }) } : {}),
    onError: ({ error }) => { failed = error; },
  });
  let text = "", reasoning = "", finish = null;
  const calls = [];
  for await (const part of result.fullStream) {
    if (part.type === "text-delta") text += part.text;
    if (part.type === "reasoning-delta") reasoning += part.text;
    if (part.type === "tool-call") calls.push([part.toolName, JSON.stringify(part.input)]);
    if (part.type === "finish") finish = part.finishReason;
  }
  if (failed) throw failed;
  return { text, reasoning, calls, finish };
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = await held(JSON.parse(line));
  } catch (error) {
    answer = { error: error?.constructor?.name ?? String(error) };
  }
  console.log(JSON.stringify(answer));
}
