/**
 * Writes of one thing by whoever has it, for registries that take concurrent ones in any order: one at a time, and of those
 * that wait the newest, with which all of them are answered.
 */
export function newestOnly<Value>(write: (value: Value) => Promise<void>): (value: Value) => Promise<void> {
  let running: Promise<void> | undefined;
  let waiting: { value: Value; readonly done: Promise<void> } | undefined;
  const run = (value: Value): Promise<void> => {
    const written = write(value).finally(() => {
      if (running === written) running = undefined;
    });
    running = written;
    return written;
  };
  return (value) => {
    if (running === undefined) return run(value);
    if (waiting === undefined) {
      const begin = (): Promise<void> => {
        const { value: newest } = waiting!;
        waiting = undefined;
        return run(newest);
      };
      waiting = { value, done: running.then(begin, begin) };
    } else waiting.value = value;
    return waiting.done;
  };
}
