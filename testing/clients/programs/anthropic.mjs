import { createInterface } from "node:readline";
import Anthropic from "@anthropic-ai/sdk";

async function held(asked) {
  const client = new Anthropic({ baseURL: asked.url + "/anthropic", apiKey: asked.key, maxRetries: 0, timeout: 20000 });
  const message = await client.messages.stream(asked.messages).finalMessage();
  const all = (type) => message.content.filter((block) => block.type === type);
  const text = all("text").map((block) => block.text).join("");
  const reasoning = all("thinking").map((block) => block.thinking).join("");
  const calls = all("tool_use").map((block) => [block.name, JSON.stringify(block.input)]);
  return { text, reasoning, calls, finish: message.stop_reason };
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
