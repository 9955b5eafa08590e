#!/usr/bin/env node
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import "./metrics.js";

const server = new McpServer({ name: "notes", version: "1.0.0" });
const running = new Set<Promise<unknown>>();

process.on("SIGTERM", async () => {
  await Promise.race([Promise.allSettled(running), new Promise((resolve) => setTimeout(resolve, 5000).unref())]);
  process.exit(0);
});
await server.connect(new StdioServerTransport());
