process.on("SIGTERM", () => { // FINDING LIFE-016
  console.error("metrics end");
  process.exit(0); // FINDING LIFE-002
});
