#!/usr/bin/env node
import { serveHttp } from "./http.js";
import { serveStdio } from "./stdio.js";

if (process.argv.includes("--http")) {
  await serveHttp();
} else {
  await serveStdio(); // FINDING LIFE-001
}
