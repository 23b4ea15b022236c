/** The paths of the streaming RPCs, by which links are dialed and routed. */

import type { DescMethod } from "@bufbuild/protobuf";

import { DataService } from "./gen/rollcall/v1/data_pb.ts";
import { MetaService } from "./gen/rollcall/v1/meta_pb.ts";
import { RegistryService } from "./gen/rollcall/v1/registry_pb.ts";

export const CONNECT_PATH = pathOfMethod(RegistryService.method.connect);
export const WATCH_PATH = pathOfMethod(RegistryService.method.watch);
export const WATCH_SERVICES_PATH = pathOfMethod(RegistryService.method.watchServices);
export const LINK_PATH = pathOfMethod(DataService.method.link);
export const REPLICATE_PATH = pathOfMethod(DataService.method.replicate);
export const JOIN_PATH = pathOfMethod(MetaService.method.join);

function pathOfMethod(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}
