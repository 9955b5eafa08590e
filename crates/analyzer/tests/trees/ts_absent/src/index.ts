import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { registerShutdown } from "@servers/ending";

const server = new McpServer({ name: "absent", version: "1.0.0" });
registerShutdown(() => server.close());
await server.connect(new StdioServerTransport()); // UNKNOWN LIFE-001 @servers/ending
