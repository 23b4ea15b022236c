/** A schema of its own for the tests, so that they hold whatever the registry's schema becomes. */

import {
  create,
  createFileRegistry,
  fromBinary,
  toBinary,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
} from "@bufbuild/protobuf";
import {
  file_google_protobuf_wrappers,
  FileDescriptorProtoSchema,
  StringValueSchema,
  type StringValue,
} from "@bufbuild/protobuf/wkt";
import {
  frameFromMessage,
  RegistryError,
  type ErrorValue,
  type Frame,
  type MessageStream,
  type StreamListener,
} from "@rollcall/core";
import type { ErrorDetailCodec } from "@rollcall/runtime/stream";

const file = create(FileDescriptorProtoSchema, {
  name: "rollcall/test/echo.proto",
  package: "rollcall.test",
  syntax: "proto3",
  dependency: ["google/protobuf/wrappers.proto"],
  service: [
    {
      name: "Echo",
      method: [
        method("Talk", { clientStreaming: true, serverStreaming: true }),
        method("Watch", { serverStreaming: true }),
        method("Say", {}),
        method("Fail", {}),
      ],
    },
  ],
});

function method(name: string, streaming: { clientStreaming?: boolean; serverStreaming?: boolean }) {
  const message = ".google.protobuf.StringValue";
  return { name, inputType: message, outputType: message, ...streaming };
}

const registry = createFileRegistry(file, (name) =>
  name === "google/protobuf/wrappers.proto" ? file_google_protobuf_wrappers : undefined,
);

type Text = typeof StringValueSchema;

export const Echo = registry.getService("rollcall.test.Echo") as DescService & {
  readonly method: {
    readonly talk: DescMethodBiDiStreaming<Text, Text>;
    readonly watch: DescMethodServerStreaming<Text, Text>;
    readonly say: DescMethodUnary<Text, Text>;
    readonly fail: DescMethodUnary<Text, Text>;
  };
};

export const TALK_PATH = "/rollcall.test.Echo/Talk";
export const WATCH_PATH = "/rollcall.test.Echo/Watch";

export function bytesOfText(value: string): Uint8Array {
  return toBinary(StringValueSchema, create(StringValueSchema, { value }));
}

export function frameOfText(value: string): Frame {
  return frameFromMessage(bytesOfText(value));
}

export function textOfBytes(bytes: Uint8Array): string {
  return fromBinary(StringValueSchema, bytes).value;
}

export function textMessage(value: string): StringValue {
  return create(StringValueSchema, { value });
}

/** Says hello by itself, echoes everything, and does what certain words ask for. */
export function talk(stream: MessageStream): void {
  stream.send(frameOfText("hello"));
  stream.listen({
    message(bytes) {
      const text = textOfBytes(bytes);
      if (text === "fail") stream.close(refusal);
      else if (text === "throw") throw refusal;
      else if (text === "bye") stream.close();
      else stream.send(frameOfText(text));
    },
    closed: () => {},
  });
}

export const refusal = new RegistryError("limit_exceeded", "words may be at most 3 – änderbar 100%", {
  subject: { field: "words", limit: "3", value: "4" },
});

/** A detail that any protobuf runtime would call bytes: JSON. */
export const jsonDetail: ErrorDetailCodec = {
  typeName: "rollcall.test.Detail",
  encode: ({ reason, subject }) => new TextEncoder().encode(JSON.stringify({ reason, subject })),
  decode: (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as ErrorValue,
};

/** Collects what a stream tells, and lets a test wait for it. */
export class Ear implements StreamListener {
  readonly messages: string[] = [];
  drains = 0;
  isTaken = false;
  end: { readonly error: RegistryError | undefined } | undefined;
  #waiting: (() => void)[] = [];

  message(bytes: Uint8Array): void {
    this.messages.push(textOfBytes(bytes));
    this.#changed();
  }

  taken(): void {
    this.isTaken = true;
    this.#changed();
  }

  drained(): void {
    this.drains++;
    this.#changed();
  }

  closed(error: RegistryError | undefined): void {
    if (this.end !== undefined) throw new Error("closed twice");
    this.end = { error };
    this.#changed();
  }

  async until(condition: (ear: this) => boolean): Promise<this> {
    while (!condition(this)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this;
  }

  async ended(): Promise<RegistryError | undefined> {
    await this.until(({ end }) => end !== undefined);
    return this.end?.error;
  }

  #changed(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

export function listenTo(stream: MessageStream): Ear {
  const ear = new Ear();
  stream.listen(ear);
  return ear;
}
