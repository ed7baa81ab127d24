// An agent in TypeScript that counts the words of a text, with nothing of ours but the protos.

import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { Engine, Registration, type Agent } from "./mesh.ts";
import { Session, seconds, type Work } from "./session.ts";

const DRAIN_MS = 10_000;
const PAUSE_MS_MAX = 5_000;
const RENEW_TOKEN_MS = 20 * 60_000;

const count: Work = async (input, task) => {
  task.progress(10, "reading");
  // A task that takes long looks at `task.signal`, or hands it on: it is aborted when the result would not count.
  await wait(Number(input.seconds ?? 0) * 1000, undefined, { signal: task.signal });
  const words = String(input.text).split(/\s+/).filter(Boolean);
  return { words: words.length, longest: words.reduce((a, b) => (b.length > a.length ? b : a), "") };
};

const me: Agent = {
  agent_id: process.env.AGENT_ID ?? `counter-${randomUUID()}`,
  agent_type: "word_counter",
  capabilities: ["word_count@1.0.0"],
  max_concurrent_tasks: 4,
};
const registration = new Registration(me);
const engine = new Engine();
const session = new Session(me.agent_id, me.max_concurrent_tasks, count);
const stopping = new AbortController();

/** Talks over one stream until it ends; returns how long to stay away, and whether it was a good one. */
function converse(): Promise<{ pauseMs: number; wasGood: boolean }> {
  const helloAt = performance.now();
  const stream = engine.connect(registration.token);
  let heardAt = helloAt;
  let silenceMsMax = 10_000;
  let pauseMs = 0;
  let wasGood = false;
  const looking = setInterval(() => {
    const now = performance.now();
    session.look(now);
    if (now - heardAt > silenceMsMax) stream.cancel(); // it may look healthy while nobody is there
  }, 500);
  stream.write({ frames: [session.hello(helloAt)] });
  stream.on("data", ({ frames }: { frames: any[] }) => {
    heardAt = performance.now();
    for (const frame of frames) {
      if (frame.welcome) {
        silenceMsMax = 1000 * Math.min(3 * seconds(frame.welcome.ping_interval), 15);
        session.send = (...told) => void (told.length && stream.write({ frames: told }));
        session.welcomed(frame.welcome, helloAt);
        if (!wasGood) console.log(`connected: ${me.agent_id}`);
        wasGood = true;
      } else if (frame.drain) {
        pauseMs = 1000 * seconds(frame.drain.reconnect_after);
        stream.end();
      } else session.received(frame, heardAt);
    }
  });
  return new Promise((ended) => {
    const leave = () => {
      clearInterval(looking);
      session.send = () => {};
      stream.cancel();
      ended({ pauseMs, wasGood });
    };
    stream.on("error", (error: Error) => (console.error(`stream: ${error.message}`), leave()));
    stream.on("end", leave);
    if (process.exitCode !== undefined) leave();
  });
}

async function stayConnected(): Promise<void> {
  for (let failures = 0; ; ) {
    const { pauseMs, wasGood } = await converse();
    failures = wasGood ? 0 : failures + 1;
    // Full jitter: agents that lost the same engine must not come back all at once.
    await wait(pauseMs + Math.random() * Math.min(PAUSE_MS_MAX, 200 * 2 ** failures));
    if (failures > 1) await registration.register().catch((error) => console.error(`registry: ${error.message}`));
  }
}

async function beat(): Promise<void> {
  for (let registeredAt = performance.now(); ; await wait(5_000)) {
    try {
      if (performance.now() - registeredAt > RENEW_TOKEN_MS) {
        await registration.register();
        registeredAt = performance.now();
      }
      const status = stopping.signal.aborted ? "DRAINING" : "ONLINE";
      await registration.beat(session.occupied, status);
    } catch (error) {
      console.error(`heartbeat: ${(error as Error).message}`);
    }
  }
}

async function stop(): Promise<void> {
  if (stopping.signal.aborted) process.exit(1); // told twice
  stopping.abort();
  session.drain();
  const patience = performance.now() + DRAIN_MS;
  while (!session.isSettled && performance.now() < patience) await wait(50);
  await registration.leave().catch((error) => console.error(`registry: ${error.message}`));
  process.exit(0);
}

process.on("SIGTERM", stop).on("SIGINT", stop);
await registration.register();
await Promise.all([stayConnected(), beat()]);
