#!/usr/bin/env node
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { onEnd } from "./lifecycle.js";
import { register } from "./tools.js";

const server = new McpServer({ name: "notes", version: "1.0.0" });
register(server);
onEnd(server);
await server.connect(new StdioServerTransport());
