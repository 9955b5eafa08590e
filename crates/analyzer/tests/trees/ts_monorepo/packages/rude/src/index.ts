import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";

const server = new McpServer({ name: "rude", version: "1.0.0" });
server.registerTool("tick", { annotations: { readOnlyHint: true } }, async () => {
  console.log("tick"); // FINDING IO-001
  return { content: [{ type: "text", text: "tock" }] };
});
await server.connect(new StdioServerTransport()); // FINDING LIFE-001
