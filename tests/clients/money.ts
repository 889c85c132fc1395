// Moves money with the generated types, as strictly typed as tsc can check it. Prints the last balance.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

const baseUrl = process.argv[2];
assert(baseUrl);
const client = createClient<paths>({ baseUrl });

const account = await client.POST("/api/auth/signup", {
  body: { username: `ts-${randomUUID().slice(0, 12)}`, password: "correct horse battery" },
});
assert(account.data, JSON.stringify(account.error));
const token = account.data.data.access_token;
client.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${token}`);
  },
});

const txn_id = randomUUID();
const first = await client.POST("/api/wallet/topup", { body: { txn_id, amount: 250 } });
const again = await client.POST("/api/wallet/topup", { body: { txn_id, amount: 250 } });
assert.deepEqual([first.response.status, again.response.status], [201, 200]);
assert(first.data && again.data);
assert.deepEqual([first.data.data.replayed, again.data.data.replayed], [false, true]);
assert.equal(first.data.data.id, again.data.data.id);

const spent = await client.POST("/api/wallet/spend", { body: { txn_id: randomUUID(), amount: 50 } });
assert(spent.data, JSON.stringify(spent.error));
const refused = await client.POST("/api/wallet/spend", {
  body: { txn_id: randomUUID(), amount: spent.data.data.available + 1 },
});
assert(refused.error?.code === "WA003", JSON.stringify(refused.error));
const available: number = refused.error.available;
assert.equal(available, spent.data.data.available);
assert.equal(refused.error.requested - available, 1);

const batch = await client.POST("/api/wallet/batch", {
  body: { requests: [{ type: "spend", txn_id: randomUUID(), amount: available + 1 }] },
});
const problem = batch.data?.data.results[0]?.problem;
assert(problem?.code === "WA003", JSON.stringify(batch));
assert.equal(problem.available, available);

const now = await client.GET("/api/wallet/balance");
const then = await client.GET("/api/wallet/balance", { params: { query: { at: first.data.data.created_at } } });
assert(now.data?.data.kind === "now" && then.data?.data.kind === "at");
assert.equal(now.data.data.status, "active");
assert.equal(now.data.data.balance - then.data.data.balance, 250 - 50);
console.log(now.data.data.balance);
