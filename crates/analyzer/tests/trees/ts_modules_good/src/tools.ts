import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { rows } from "./db.js";
import { note } from "./log.js";

export function register(server: McpServer) {
  server.registerTool("rows", { annotations: { readOnlyHint: true } }, async () => {
    note("rows");
    return { content: [{ type: "text", text: JSON.stringify(await rows()) }] };
  });
}
