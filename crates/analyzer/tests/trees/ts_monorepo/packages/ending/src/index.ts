export function endWith(close: () => Promise<void>) {
  let ending: Promise<void> | undefined;
  const end = () => {
    setTimeout(() => process.exit(1), 5000).unref();
    ending ??= close().finally(() => process.exit(0)); // FINDING LIFE-002
  };
  for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, end);
  process.stdin.once("end", end);
}
