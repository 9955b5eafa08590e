package main

import (
	"os"

	"example.com/notes/internal/store"
	"example.com/notes/internal/tools"
	"github.com/mark3labs/mcp-go/server"
)

func main() {
	notes, err := store.Open()
	if err != nil {
		os.Stderr.WriteString("no store\n")
		return
	}
	defer notes.Close()
	s := server.NewMCPServer("notes", "1.0.0")
	tools.Register(s, notes)
	server.ServeStdio(s)
}
