package tools

import (
	"context"
	"fmt"
	"time"

	"example.com/notes/internal/store"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

func Register(s *server.MCPServer, notes *store.Store) {
	tool := mcp.NewTool("rows", mcp.WithReadOnlyHintAnnotation(true))
	s.AddTool(tool, func(ctx context.Context, call mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		fmt.Println("rows") // FINDING IO-001
		if _, err := notes.Rows(ctx); err != nil {
			return mcp.NewToolResultError(err.Error()), nil // FINDING ERR-002
		}
		return mcp.NewToolResultText("read"), nil
	})
}
