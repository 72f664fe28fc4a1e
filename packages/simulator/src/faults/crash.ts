/** Processes end: killed, or stopped in an orderly way; and come back. */
import { upTarget, type Family, type Target } from "./family.js";

export interface CrashFault {
  readonly kind: "kill" | "stop";
  readonly target: Target;
  readonly downMs: number;
}

export const crash: Family<CrashFault> = {
  bites: ["kill", "stop"],
  draw: ({ rng, target, downMs }) => ({ kind: rng.pick(["kill", "kill", "stop"]), target, downMs }),
  strike: (fault, stage, subject) => {
    const name = upTarget(fault, stage, subject);
    if (name === undefined) return false;
    if (fault.kind === "stop") stage.world.stop(name);
    else stage.world.crash(name, "kill");
    stage.later(fault.downMs, () => stage.world.start(name));
    return true;
  },
};
