import { expect, test } from "vitest";
import { checkServiceLists } from "../src/index.ts";
import { said } from "./said.ts";
import { SERVICE, Story } from "./story.ts";

const LATE = 90_000;

const listed = (story: Story, ...services: string[]): Story =>
  story.record({ kind: "services listed", client: "reader", prefix: "", services: new Set(services) });

function registered(): Story {
  const story = new Story();
  const asked = story.at(10).register("provider", "i-1");
  return listed(story.at(11).registered(asked, 1).at(12), SERVICE);
}

test("an ordinary list, from registration to unregistration, violates nothing", () => {
  const story = registered();
  story.at(20).unregistered(story.unregister("provider", "i-1"), 2);
  expect(checkServiceLists(listed(story.at(21)).endAt(LATE))).toEqual([]);
});

test("a list that loses a service with an instance is told of, and so is one that ends without it", () => {
  expect(said(checkServiceLists(listed(registered().at(20)).endAt(LATE)))).toEqual([
    `P3 reader's list of services * loses, while it has an instance that nobody took away, ${SERVICE}`,
    `P1 reader's list of services * ends without ${SERVICE}`,
  ]);
});

test("a list with a service that nobody had registered is told of", () => {
  expect(said(checkServiceLists(listed(new Story().at(5), SERVICE).endAt(LATE)))).toEqual([
    `P5 reader's list of services * has, though nobody had registered it, ${SERVICE}`,
  ]);
});
