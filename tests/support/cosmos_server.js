// Starts npm's Cosmos server (@vercel/cosmosdb-server 1.0.1) with its gaps closed, so that the
// store's tests mean something. Each gap has a name; tests/support/cosmos.py lists those that stay.
//
// Usage: node cosmos_server.js LIBRARY PORT
//
// POST /_faults {"status", "times", "after", "retry_after_ms", "match", "lose"}: lets coming
// document calls go wrong; "lose" does the work and then cuts the connection.
"use strict";
const http = require("http");
const { AsyncLocalStorage } = require("async_hooks");

const [library, port] = process.argv.slice(2);
const part = (name) => require(`${library}/lib/${name}.js`);
const handler = (name) => part(`handler/${name}`);
const Items = part("account/items").default;
const readJson = part("json").default;

const partitionOf = (request) => {
  try {
    const keys = JSON.parse(request.headers["x-ms-documentdb-partitionkey"]);
    return Array.isArray(keys) ? keys : [keys];
  } catch {
    return [];
  }
};
const at = (object, path) => path.reduce((one, key) => (one == null ? undefined : one[key]), object);

// missing-is-404: reading what is not there is a 500 of the server.
const readDocument = handler("read-document");
const read = readDocument.default;
readDocument.default = (account, request, response, names) => {
  const collection = account.database(names.dbId).collection(names.collId);
  const [key] = partitionOf(request);
  if (collection.read() && key !== undefined && !collection.document(names.docId, key).read()) {
    response.statusCode = 404;
    return { code: "NotFound", message: "Entity with the specified id does not exist." };
  }
  return read(account, request, response, names);
};

// partition-of-a-query: the header is ignored, and all partitions are answered for.
const asked = new AsyncLocalStorage();
const queryDocuments = handler("query-documents");
const query = queryDocuments.default;
queryDocuments.default = (account, request, response, names) => {
  const keys = partitionOf(request);
  if (keys.length) request.headers["x-ms-documentdb-query-enablecrosspartition"] = "true";
  return asked.run(keys, () => query(account, request, response, names));
};

// distinct-value: a syntax error there.
const run = Items.prototype.query;
Items.prototype.query = function queried(given, options) {
  const keys = asked.getStore() || [];
  const all = this._data;
  const distinct = /^\s*SELECT\s+DISTINCT\s+VALUE\s/i.test(given.query);
  // Not a gap, an index: most queries ask for documents of one kind.
  const [, kind] = /WHERE c\.kind = '(\w+)' AND/.exec(given.query) || [];
  const text = given.query.replace(/^\s*SELECT\s+DISTINCT\s+VALUE\s/i, "SELECT VALUE ");
  try {
    const definition = this._parent.read() || {};
    if (keys.length && definition.partitionKey) {
      const paths = definition.partitionKey.paths.map((path) => path.slice(1).split("/"));
      this._data = new Map(
        [...all].filter(([, item]) => keys.every((key, n) => at(item.read(), paths[n]) === key)),
      );
    }
    if (kind) this._data = new Map([...this._data].filter(([, item]) => item.read().kind === kind));
    const found = run.call(this, { ...given, query: text }, distinct ? {} : options);
    return distinct ? { ...found, result: [...new Set(found.result)] } : found;
  } finally {
    this._data = all;
  }
};

// opposite-order: an index is only used in the order it was declared in.
const helpers = require(`${library}/../../@zeit/cosmosdb-query/lib/helpers.js`);
const { sort } = helpers;
const opposite = (index) =>
  index.map((one) => ({ ...one, order: one.order === "ascending" ? "descending" : "ascending" }));
helpers.sort = (found, rid, indexes, ...orders) =>
  sort(found, rid, indexes && [...indexes, ...indexes.map(opposite)], ...orders);

// atomic-batch: the key of the header does not reach the operations, patches are not known, and
// what was done before a failure stays.
const operations = handler("_document-operations");
const { patchOperation } = handler("_patch-operations");
const known = {
  Create: operations.createOperation,
  Upsert: operations.upsertOperation,
  Read: operations.readOperation,
  Delete: operations.deleteOperation,
  Replace: (collection, one) =>
    one.id === one.resourceBody.id
      ? operations.replaceOperation(collection, one)
      : { statusCode: 404 },
  Patch: (collection, one) =>
    patchOperation(collection, {
      id: one.id,
      partitionKey: one.partitionKey,
      ifMatch: one.ifMatch,
      operations: one.resourceBody.operations,
      condition: one.resourceBody.condition,
    }),
};
handler("batch-documents").default = async (account, request, response, names) => {
  const body = await readJson(request);
  const collection = account.database(names.dbId).collection(names.collId);
  const partitionKey = request.headers["x-ms-documentdb-partitionkey"];
  const { documents } = collection;
  const before = [new Map(documents._data), new Map(documents._index)];
  const results = [];
  let failed = -1;
  body.forEach((one, number) => {
    if (failed >= 0) return;
    const done = known[one.operationType](collection, { ...one, partitionKey });
    results.push({
      statusCode: done.statusCode,
      requestCharge: 1,
      eTag: done.body && done.body._etag,
      resourceBody: done.body,
    });
    if (done.statusCode >= 400) failed = number;
  });
  if (failed < 0) return results;
  [documents._data, documents._index] = before;
  response.statusCode = 207;
  return body.map((_, number) =>
    number === failed ? results[failed] : { statusCode: 424, requestCharge: 0 },
  );
};

// Requires the handlers, so it comes after them.
const { createHttpServer } = require(library);
const server = createHttpServer({ keepAlive: true });
const [answer] = server.listeners("request");
server.removeAllListeners("request");
let faults = [];
const ordered = async (request, response) => {
  faults = [].concat(await readJson(request)).map((one) => ({ times: 1, after: 0, ...one }));
  response.end("{}");
};
const struck = (request) =>
  faults.find((one) => {
    const text = `${request.method} ${request.url} ${JSON.stringify(request.headers)}`;
    if (one.times <= 0 || !new RegExp(one.match || "/docs").test(text)) return false;
    one.after -= 1;
    return one.after < 0;
  });
server.on("request", (request, response) => {
  if (request.url === "/_faults") {
    ordered(request, response);
    return;
  }
  const fault = struck(request);
  if (!fault) {
    answer(request, response);
    return;
  }
  fault.times -= 1;
  if (fault.lose) {
    response.end = () => request.socket.destroy();
    answer(request, response);
    return;
  }
  request.resume();
  request.on("end", () => {
    response.statusCode = fault.status;
    response.setHeader("content-type", "application/json");
    response.setHeader("x-ms-request-charge", "0");
    if (fault.retry_after_ms) response.setHeader("x-ms-retry-after-ms", fault.retry_after_ms);
    response.end(JSON.stringify({ code: "Fault", message: "on purpose" }));
  });
});
server.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
server.listen(Number(port), "127.0.0.1", () =>
  console.log(`Listening on http://127.0.0.1:${server.address().port}`),
);
// Does not outlive the program that started it.
process.stdin.on("end", () => process.exit(0)).resume();
