/** The brake on its own: nothing waits where there is room, and what waits goes on with the copies, in proportion. */
import { expect, it } from "vitest";
import { Brake } from "../src/brake.js";

const SLICE = 1_000;

it("lets groups go at once while nothing is copied or there is plenty of room", () => {
  for (const perCopied of [Number.POSITIVE_INFINITY, 10]) {
    let gone = 0;
    const brake = new Brake(() => perCopied);
    for (let i = 0; i < 3; i++) brake.pass(SLICE * 10, () => gone++);
    expect(gone).toBe(3);
  }
});

it("lets as much be written as is earned by copying, and a large group is paid for by those after it", () => {
  let gone = 0;
  const brake = new Brake(() => 0.5);
  const slicesUntilGone = (bytes: number): number => {
    const before = gone;
    brake.pass(bytes, () => gone++);
    let slices = 0;
    for (; gone === before; slices++) brake.copied(SLICE);
    return slices;
  };
  expect(slicesUntilGone(SLICE * 2.25)).toBe(1);
  expect(slicesUntilGone(1)).toBe(4);
  expect([0, 1, 2, 3].map(() => slicesUntilGone(SLICE / 4))).toEqual([0, 1, 0, 1]);
});

it("saves nothing up, and lets go what is held where nothing is copied only when there is room or the work is done", () => {
  let [gone, perCopied] = [0, 1];
  const brake = new Brake(() => perCopied);
  const pass = (): void => brake.pass(SLICE, () => gone++);
  for (let i = 0; i < 5; i++) brake.copied(SLICE);
  pass();
  pass();
  expect(gone).toBe(1);
  perCopied = 0;
  brake.look();
  expect(gone).toBe(1);
  perCopied = Number.POSITIVE_INFINITY;
  brake.look();
  expect(gone).toBe(2);
  perCopied = 0;
  pass();
  expect(gone).toBe(2);
  brake.release();
  expect(gone).toBe(3);
});
