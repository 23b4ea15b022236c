import type { Trial } from "./scenario.ts";

/** Builds a trial on a stack: when a part of it cannot start, those before it end; when the trial ends, all of them do. */
export async function startTrial(
  build: (stack: AsyncDisposableStack) => Promise<Pick<Trial, "servers" | "repeat">>,
): Promise<Trial> {
  await using stack = new AsyncDisposableStack();
  const { servers, repeat } = await build(stack);
  const kept = stack.move();
  return { servers, repeat, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
