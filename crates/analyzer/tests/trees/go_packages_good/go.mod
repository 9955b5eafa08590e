module example.com/notes

go 1.24

require github.com/mark3labs/mcp-go v0.41.0
