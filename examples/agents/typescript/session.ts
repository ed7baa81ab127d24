// The agent's half of the stream's rules. It outlives its streams: tasks go on while there is none, and what the
// engine has not acknowledged is said again on the next.

export type Delivery = { task_id: string; attempt: number; lease_id: string };
export type Frame = Record<string, unknown>;
export type Assign = { delivery: Delivery; step: string; task_type: string; input: Buffer; idempotency_key: string };
export type Work = (
  input: any,
  task: { assign: Assign; signal: AbortSignal; progress: (percent: number, message: string) => void },
) => Promise<object>;

const SHARE_OF_LEASE = 2 / 3;

type Running = { assign: Assign; abort: AbortController };

export class Session {
  readonly #agentId: string;
  readonly #slots: number;
  readonly #work: Work;
  readonly #running = new Map<string, Running>(); // by task: its newest delivery
  readonly #outcomes = new Map<string, Frame>(); // by lease: results that were not acknowledged
  readonly #letGo = new Set<string>(); // leases of what we stopped by ourselves, and the engine takes for running
  readonly #pongs = new Map<string, number>(); // by nonce: when it was answered
  #occupied = 0; // also by functions that were called off and have not ended yet
  #unusedCredit = 0;
  #leaseMs = 0;
  #leaseEndsAt = Infinity;
  #isDraining = false;
  /** Where frames go; nowhere while there is no stream. */
  send: (...frames: Frame[]) => void = () => {};

  constructor(agentId: string, slots: number, work: Work) {
    this.#agentId = agentId;
    this.#slots = slots;
    this.#work = work;
  }

  get occupied(): number {
    return this.#occupied;
  }

  get isSettled(): boolean {
    return this.#running.size === 0 && this.#outcomes.size === 0;
  }

  hello(now: number): Frame {
    this.#pongs.clear();
    this.#letGo.clear(); // Hello tells, by not naming them
    this.#leaseEndsAt = Math.max(this.#leaseEndsAt, now); // until Welcome says how long it is
    const kept = [...this.#outcomes.values()].map((frame: any) => (frame.result ?? frame.failure).delivery);
    const in_flight = [...[...this.#running.values()].map(({ assign }) => assign.delivery), ...kept];
    return { hello: { agent_id: this.#agentId, protocol_version: 1, in_flight } };
  }

  welcomed(welcome: any, helloAt: number): void {
    this.#leaseMs = seconds(welcome.lease_ttl) * 1000 * SHARE_OF_LEASE;
    this.#leaseEndsAt = helloAt + this.#leaseMs;
    for (const lost of welcome.abandon as Delivery[]) {
      this.#outcomes.delete(lost.lease_id);
      this.#callOff(lost);
    }
    this.#unusedCredit = 0;
    for (const { assign } of this.#running.values()) this.send({ accept: { delivery: assign.delivery } });
    this.send(...this.#outcomes.values());
    if (this.#isDraining) this.send({ draining: { reason: "told to stop" } });
    this.#grant();
  }

  received(frame: any, now: number): void {
    if (frame.assign) this.#assigned(frame.assign);
    else if (frame.result_ack) this.#outcomes.delete(frame.result_ack.delivery.lease_id);
    else if (frame.cancel) this.#callOff(frame.cancel.delivery);
    else if (frame.lease_lost) this.#callOff(frame.lease_lost.delivery);
    else if (frame.ping) this.#pinged(frame.ping.nonce, frame.ping.renewed_nonce, now);
  }

  /** Stops all work when the engine has not confirmed the lease for too long: somebody else may have it by now. */
  look(now: number): void {
    if (now < this.#leaseEndsAt) return;
    for (const { assign } of [...this.#running.values()]) {
      this.#letGo.add(assign.delivery.lease_id);
      this.#callOff(assign.delivery);
    }
  }

  drain(): void {
    this.#isDraining = true;
    this.send({ draining: { reason: "told to stop" } });
  }

  #assigned(assign: Assign): void {
    const { delivery } = assign;
    this.#unusedCredit -= 1;
    const outcome = this.#outcomes.get(delivery.lease_id);
    if (outcome) return this.send(outcome);
    const earlier = this.#running.get(delivery.task_id);
    if (earlier && earlier.assign.delivery.lease_id !== delivery.lease_id) this.#callOff(earlier.assign.delivery);
    if (this.#isDraining || this.#occupied >= this.#slots)
      return this.send({ reject: { delivery, category: "CAPACITY", retry_after: { seconds: 1 } } });
    const abort = new AbortController();
    this.#running.set(delivery.task_id, { assign, abort });
    this.#occupied += 1;
    this.send({ accept: { delivery } });
    void this.#perform(assign, abort);
  }

  async #perform(assign: Assign, abort: AbortController): Promise<void> {
    const { delivery } = assign;
    const progress = (percent: number, message: string) => this.send({ progress: { delivery, percent, message } });
    let outcome: Frame;
    try {
      const output = await this.#work(JSON.parse(assign.input.toString()), { assign, signal: abort.signal, progress });
      outcome = { result: { delivery, output: Buffer.from(JSON.stringify(output)) } };
    } catch (error) {
      outcome = { failure: { delivery, category: "PERMANENT", code: "AGENT_FAULT", message: String(error) } };
    }
    this.#occupied -= 1;
    const isReturned = this.#letGo.delete(delivery.lease_id);
    if (isReturned)
      outcome = { failure: { delivery, category: "TRANSIENT", code: "LEASE_EXPIRED", message: "Nothing was heard of its lease." } };
    if (!abort.signal.aborted) this.#running.delete(delivery.task_id);
    if (isReturned || !abort.signal.aborted) {
      this.#outcomes.set(delivery.lease_id, outcome);
      this.send(outcome);
    }
    this.#grant();
  }

  #callOff(delivery: Delivery): void {
    const running = this.#running.get(delivery.task_id);
    if (running?.assign.delivery.lease_id !== delivery.lease_id) return;
    this.#running.delete(delivery.task_id);
    running.abort.abort();
  }

  #pinged(nonce: string, renewed: string, now: number): void {
    const answeredAt = this.#pongs.get(renewed);
    if (answeredAt !== undefined) this.#leaseEndsAt = Math.max(this.#leaseEndsAt, answeredAt + this.#leaseMs);
    this.#pongs.set(nonce, now);
    if (this.#pongs.size > 64) this.#pongs.delete(this.#pongs.keys().next().value!);
    this.send({ pong: { nonce } });
  }

  /** Asks for as many tasks as there are free slots that were not asked for yet. */
  #grant(): void {
    const slots = this.#isDraining ? 0 : this.#slots - this.#occupied - this.#unusedCredit;
    if (slots <= 0) return;
    this.#unusedCredit += slots;
    this.send({ credit: { slots } });
  }
}

export function seconds(duration: { seconds: string; nanos: number }): number {
  return Number(duration.seconds) + duration.nanos / 1e9;
}
