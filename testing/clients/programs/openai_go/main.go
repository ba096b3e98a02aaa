// OpenAI's own library for Go, with its accumulator.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
)

type question struct {
	URL, Key string
	Chat     map[string]any
}

type answer struct {
	Text      string     `json:"text"`
	Reasoning string     `json:"reasoning"`
	Calls     [][]string `json:"calls"`
	Finish    string     `json:"finish"`
	Error     string     `json:"error,omitempty"`
}

func held(asked question) answer {
	extra, _ := asked.Chat["extra_body"].(map[string]any)
	delete(asked.Chat, "extra_body")
	for name, value := range extra {
		asked.Chat[name] = value
	}
	client := openai.NewClient(option.WithBaseURL(asked.URL+"/v1"), option.WithAPIKey(asked.Key), option.WithMaxRetries(0))
	body := param.Override[openai.ChatCompletionNewParams](asked.Chat)
	stream := client.Chat.Completions.NewStreaming(context.Background(), body, option.WithJSONSet("stream", true))
	all := openai.ChatCompletionAccumulator{}
	said := answer{Calls: [][]string{}}
	for stream.Next() {
		chunk := stream.Current()
		if !all.AddChunk(chunk) {
			return answer{Error: "AccumulatorRefused"}
		}
		for _, choice := range chunk.Choices {
			var delta struct {
				Reasoning string `json:"reasoning_content"`
			}
			json.Unmarshal([]byte(choice.Delta.RawJSON()), &delta)
			said.Reasoning += delta.Reasoning
		}
	}
	if err := stream.Err(); err != nil {
		return answer{Error: fmt.Sprintf("%T", err)}
	}
	choice := all.Choices[0]
	said.Text, said.Finish = choice.Message.Content, string(choice.FinishReason)
	for _, call := range choice.Message.ToolCalls {
		said.Calls = append(said.Calls, []string{call.Function.Name, call.Function.Arguments})
	}
	return said
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		json.NewEncoder(os.Stdout).Encode(held(asked))
	}
}
