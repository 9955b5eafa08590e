import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";

export const make = () => new McpServer({ name: "notes", version: "1.0.0" });
