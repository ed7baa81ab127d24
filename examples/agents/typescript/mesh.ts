// How the agent reaches the mesh: the contracts, the connections, and its entry at the registry.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const REPOSITORY = resolve(import.meta.dirname, "../../..");
const PROTOS = process.env.PROTOS ?? resolve(REPOSITORY, "protos");
const THIRD_PARTY = process.env.THIRD_PARTY ?? resolve(REPOSITORY, "third_party/googleapis");

const contracts = grpc.loadPackageDefinition(
  loadSync(["archwright/engine/v1/agent_work.proto", "archwright/registry/v1/agent_registry.proto"], {
    includeDirs: [PROTOS, THIRD_PARTY],
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
  }),
) as any; // what is loaded at run time has no types

export type Agent = { agent_id: string; agent_type: string; capabilities: string[]; max_concurrent_tasks: number };

export function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`Set ${name}. README.md says what it is.`);
  return value;
}

function client(service: any, address: string): any {
  const url = new URL(address);
  const credentials =
    url.protocol === "https:"
      ? grpc.credentials.createSsl(readFileSync(required("CA")))
      : grpc.credentials.createInsecure();
  return new service(url.host, credentials);
}

function showing(token: string): grpc.Metadata {
  const metadata = new grpc.Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  return metadata;
}

/** The agent's entry at the registry, and the token that says so to the engine. */
export class Registration {
  token = "";
  readonly #agent: Agent;
  readonly #registry: any;

  constructor(agent: Agent) {
    this.#agent = agent;
    const address = process.env.REGISTRY_ADDRESS ?? required("GATEWAY");
    this.#registry = client(contracts.archwright.registry.v1.AgentRegistryService, address);
  }

  /** Registers, which also renews the token: again before half of its hour is over. */
  async register(): Promise<void> {
    const answer = await this.#ask("RegisterAgent", this.#agent, required("ENROLMENT_TOKEN"));
    this.token = answer.token;
  }

  /** Says that the agent is alive, and how busy. */
  async beat(current_task_count: number, status: string): Promise<void> {
    await this.#ask("HeartbeatAgent", { agent_id: this.#agent.agent_id, current_task_count, status }, this.token);
  }

  async leave(): Promise<void> {
    await this.#ask("DeregisterAgent", { agent_id: this.#agent.agent_id }, this.token);
  }

  #ask(method: string, request: unknown, token: string): Promise<any> {
    const deadline = new Date(Date.now() + 5_000);
    return new Promise((done, failed) =>
      this.#registry[method](request, showing(token), { deadline }, (error: Error | null, answer: unknown) =>
        error ? failed(error) : done(answer),
      ),
    );
  }
}

/** Opens streams to the engine. */
export class Engine {
  readonly #work: any;

  constructor() {
    const address = process.env.ENGINE_ADDRESS ?? required("GATEWAY");
    this.#work = client(contracts.archwright.engine.v1.AgentWorkService, address);
  }

  connect(token: string): grpc.ClientDuplexStream<any, any> {
    return this.#work.Connect(showing(token));
  }
}
