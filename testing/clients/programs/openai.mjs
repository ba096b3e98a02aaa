import { createInterface } from "node:readline";
import OpenAI from "openai";

async function held(asked) {
  const { extra_body: extra, ...chat } = asked.chat;
  const client = new OpenAI({ baseURL: asked.url + "/v1", apiKey: asked.key, maxRetries: 0, timeout: 20000 });
  let reasoning = "";
  if (chat.response_format) {
    // Its helper wants JSON that it can read; what the words are is the pool's business, not whether they are JSON.
    let text = "", finish = null;
    for await (const chunk of await client.chat.completions.create({ ...chat, stream: true })) {
      text += chunk.choices[0]?.delta?.content ?? "";
      finish = chunk.choices[0]?.finish_reason ?? finish;
    }
    return { text, reasoning, calls: [], finish };
  }
  const runner = client.chat.completions.stream({ ...chat, ...extra });
  runner.on("chunk", (chunk) => (reasoning += chunk.choices[0]?.delta?.reasoning_content ?? ""));
  const { message, finish_reason: finish } = (await runner.finalChatCompletion()).choices[0];
  const calls = (message.tool_calls ?? []).map((call) => [call.function.name, call.function.arguments]);
  return { text: message.content, reasoning, calls, finish };
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
