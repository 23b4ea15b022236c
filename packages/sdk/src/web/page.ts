/** The life of the page that this code runs in, as far as it runs in one: a worker has none of these events. */

interface EventSource {
  addEventListener?(name: string, listener: () => void): void;
  removeEventListener?(name: string, listener: () => void): void;
}

interface PageGlobals extends EventSource {
  readonly document?: EventSource & { readonly visibilityState: string };
}

const page = globalThis as unknown as PageGlobals;

/** Calls `back` whenever the page or the network may have been away and is there again. Gives back what ends it. */
export function onReturn(back: () => void): () => void {
  const ends = [
    listen(page, "pageshow", back),
    listen(page, "online", back),
    listen(page.document, "resume", back),
    listen(page.document, "visibilitychange", () => {
      if (page.document?.visibilityState === "visible") back();
    }),
  ];
  return () => ends.forEach((end) => end());
}

/** Calls `leaving` when the page goes, for good or into the browser's cache of pages. Gives back what ends it. */
export function onLeave(leaving: () => void): () => void {
  return listen(page, "pagehide", leaving);
}

function listen(source: EventSource | undefined, name: string, listener: () => void): () => void {
  source?.addEventListener?.(name, listener);
  return () => source?.removeEventListener?.(name, listener);
}
