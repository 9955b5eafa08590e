import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { endWith } from "@servers/ending";

const server = new McpServer({ name: "tidy", version: "1.0.0" });
endWith(() => server.close());
await server.connect(new StdioServerTransport());
