/** Plain calls to a simulated node, straight to its handlers: the simulated network carries streams only. */

import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type DescService,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { createContextValues, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import type { NodeServer } from "@rollcall/runtime";

type Handler = (request: unknown, context: HandlerContext) => unknown;

/** Calls a method of a node. Rejects with what the handler throws; never settles when the node ends before it answers. */
export async function callUnary<Input extends DescMessage, Output extends DescMessage>(
  server: NodeServer,
  method: DescMethodUnary<Input, Output>,
  request: MessageInitShape<Input>,
): Promise<MessageInitShape<Output>> {
  const handlers = new Map<unknown, Handler>();
  const router = {
    rpc: (described: unknown, handler: Handler) => void handlers.set(described, handler),
    service: ({ method: methods }: DescService, service: Readonly<Record<string, Handler>>) => {
      for (const [name, described] of Object.entries(methods)) {
        const handler = service[name];
        if (handler !== undefined) handlers.set(described, (asked, its) => handler.call(service, asked, its));
      }
    },
  };
  server.routes(router as unknown as ConnectRouter);
  const context = {
    timeoutMs: () => undefined,
    signal: new AbortController().signal,
    requestHeader: new Headers(),
    values: createContextValues(),
  };
  const message: MessageShape<Input> = create(method.input, request);
  return (await handlers.get(method)!(message, context as unknown as HandlerContext)) as MessageInitShape<Output>;
}
