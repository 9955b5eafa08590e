import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { make } from "./server.js";

export async function serveStdio() {
  await make().connect(new StdioServerTransport());
}
