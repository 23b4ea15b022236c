import { expect, test } from "vitest";
import { CONNECT_PATH, JOIN_PATH, LINK_PATH, REPLICATE_PATH, WATCH_PATH } from "../src/index.ts";

test("the paths of the streaming methods are those that other languages generate", () => {
  expect({ CONNECT_PATH, WATCH_PATH, LINK_PATH, REPLICATE_PATH, JOIN_PATH }).toEqual({
    CONNECT_PATH: "/rollcall.v1.RegistryService/Connect",
    WATCH_PATH: "/rollcall.v1.RegistryService/Watch",
    LINK_PATH: "/rollcall.v1.DataService/Link",
    REPLICATE_PATH: "/rollcall.v1.DataService/Replicate",
    JOIN_PATH: "/rollcall.v1.MetaService/Join",
  });
});
