// The older library for Go, which counts the lines between events.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/sashabaranov/go-openai"
)

type question struct {
	URL, Key string
	Chat     json.RawMessage
}

type answer struct {
	Text      string     `json:"text"`
	Reasoning string     `json:"reasoning"`
	Calls     [][]string `json:"calls"`
	Finish    string     `json:"finish"`
	Error     string     `json:"error,omitempty"`
}

func held(asked question) answer {
	config := openai.DefaultConfig(asked.Key)
	config.BaseURL = asked.URL + "/v1"
	var body openai.ChatCompletionRequest
	if err := json.Unmarshal(asked.Chat, &body); err != nil {
		return answer{Error: err.Error()}
	}
	body.Stream = true
	stream, err := openai.NewClientWithConfig(config).CreateChatCompletionStream(context.Background(), body)
	if err != nil {
		return answer{Error: fmt.Sprintf("%T", err)}
	}
	defer stream.Close()
	said := answer{Calls: [][]string{}}
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return said
		}
		if err != nil {
			return answer{Error: fmt.Sprintf("%T", err)}
		}
		for _, choice := range chunk.Choices {
			said.Text += choice.Delta.Content
			said.Reasoning += choice.Delta.ReasoningContent
			if choice.FinishReason != "" {
				said.Finish = string(choice.FinishReason)
			}
			for _, call := range choice.Delta.ToolCalls {
				if call.Index != nil && *call.Index >= len(said.Calls) {
					said.Calls = append(said.Calls, []string{"", ""})
				}
				last := said.Calls[len(said.Calls)-1]
				last[0], last[1] = last[0]+call.Function.Name, last[1]+call.Function.Arguments
			}
		}
	}
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
