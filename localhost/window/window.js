// The window's behaviour. Text from the hub is only ever set as textContent.
"use strict";

const PAGE = 25;
const REFRESH_MS = 3000;
const by = (id) => document.getElementById(id);
const state = { offset: 0, open: null, key: "", management: "" };

async function ask(path, options = {}) {
  const headers = { ...(options.headers || {}) };
  if (state.key) headers["x-functions-key"] = state.key;
  const answer = await fetch(path, { ...options, headers });
  if (answer.status === 401) {
    by("key-form").hidden = false;
    throw new Error("This host asks for its master key.");
  }
  if (!answer.ok) throw new Error(`${answer.status} ${(await answer.text()).slice(0, 200)}`);
  return answer.headers.get("content-type")?.includes("json") ? answer.json() : null;
}

function element(tag, text = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function told(error) {
  by("trouble").hidden = !error;
  by("trouble").textContent = error ? error.message : "";
}

const clock = (text) => (text ? new Date(text).toLocaleString() : "");

async function showSummary() {
  const found = await ask("/admin/durable/summary");
  state.management = found.management;
  const parts = Object.entries(found.statuses).map(([name, count]) => `${count} ${name}`);
  parts.push(`${found.open_tasks} open tasks`, `${found.timers} timers`, `${found.messages} messages`);
  by("summary").textContent = parts.join(", ");
}

async function showList() {
  const asked = new URLSearchParams({
    status: by("status").value, text: by("text").value, limit: PAGE + 1, offset: state.offset,
  });
  const { items } = await ask(`/admin/durable/instances?${asked}`);
  const rows = items.slice(0, PAGE).map((one) => {
    const row = element("tr");
    const link = element("button", one.id);
    link.type = "button";
    link.dataset.id = one.id;
    link.addEventListener("click", () => { location.hash = encodeURIComponent(one.id); });
    const first = element("td");
    first.append(link);
    row.append(
      first, element("td", one.name), element("td", one.status, one.status),
      element("td", one.history_length, "number"), element("td", one.open_tasks_count, "number"),
      element("td", one.timers_count, "number"), element("td", clock(one.updated)),
    );
    return row;
  });
  const focused = document.activeElement?.dataset?.id;
  by("rows").replaceChildren(...rows);
  if (focused) by("rows").querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
  by("empty").hidden = rows.length > 0;
  by("newer").disabled = state.offset === 0;
  by("older").disabled = items.length <= PAGE;
  by("position").textContent = rows.length ? `${state.offset + 1} to ${state.offset + rows.length}` : "";
}

// The address names the open instance, so that it can be sent to somebody.
async function followAddress() {
  state.open = decodeURIComponent(location.hash.slice(1)) || null;
  by("detail").hidden = !state.open;
  if (!state.open) return;
  try {
    await showDetail();
    by("detail-title").focus();
  } catch (error) {
    told(error);
  }
}

async function showDetail() {
  if (!state.open) return;
  const one = await ask(`/admin/durable/instances/${encodeURIComponent(state.open)}`);
  by("detail").hidden = false;
  by("detail-title").textContent = one.id;
  by("facts").textContent =
    `${one.name}, ${one.status}, ${one.history_length} events, started ${clock(one.created)}, changed ${clock(one.updated)}`;
  const texts = { input: one.input, output: one.output, "custom status": one.custom_status };
  by("texts").replaceChildren(...Object.entries(texts).flatMap(
    ([name, text]) => [element("dt", name), element("dd", text ?? "none")]));
  const waiting = one.waiting.map((w) => `${w.event}${w.due ? `, due ${clock(w.due)}` : ", to be delivered"}`);
  const tasks = one.open_tasks.map((t) => `activity ${t.name}, begun ${t.starts} time(s)`);
  const lines = [...tasks, ...waiting];
  by("open").replaceChildren(...(lines.length ? lines : ["nothing"]).map((line) => element("li", line)));
  by("history").replaceChildren(...one.history.map((event) => {
    const item = element("li");
    const number = event.id >= 0 ? `#${event.id}` : "";
    item.append(
      element("span", event.seq, "dim"), element("span", `${event.type} ${number}`),
      element("span", `${event.name} ${clock(event.at)}`, "dim"));
    if (event.details) item.append(element("code", event.details));
    return item;
  }));
  const over = ["Completed", "Failed", "Terminated"].includes(one.status);
  for (const button of by("actions").children) {
    const action = button.dataset.action;
    button.disabled =
      (over && ["suspend", "resume", "raise", "terminate"].includes(action)) ||
      (!over && action === "purge") ||
      (action === "suspend" && one.status === "Suspended") ||
      (action === "resume" && one.status !== "Suspended");
  }
}

async function act(action) {
  const path = `${state.management}/instances/${encodeURIComponent(state.open)}`;
  if (action === "close") {
    location.hash = "";
    by("list-title").scrollIntoView();
    return;
  }
  if (action === "suspend" || action === "resume") await ask(`${path}/${action}`, { method: "POST" });
  if (action === "terminate") {
    const reason = prompt("Terminate this instance? Give a reason.");
    if (reason === null) return;
    await ask(`${path}/terminate?reason=${encodeURIComponent(reason)}`, { method: "POST" });
  }
  if (action === "raise") {
    const name = prompt("Name of the event");
    const body = name && prompt("Its value, as JSON", "{}");
    if (!name || body === null) return;
    await ask(`${path}/raiseEvent/${encodeURIComponent(name)}`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body,
    });
  }
  if (action === "purge") {
    if (!confirm("Delete this instance and its history for good?")) return;
    await ask(path, { method: "DELETE" });
    location.hash = "";
  }
  await refresh();
}

async function refresh() {
  try {
    await showSummary();
    await showList();
    await showDetail();
    told(null);
  } catch (error) {
    told(error);
  }
}

by("actions").addEventListener("click", (event) => {
  const action = event.target.dataset.action;
  if (action) act(action).catch(told);
});
by("filter").addEventListener("input", () => { state.offset = 0; refresh(); });
by("filter").addEventListener("submit", (event) => event.preventDefault());
by("older").addEventListener("click", () => { state.offset += PAGE; refresh(); });
by("newer").addEventListener("click", () => { state.offset = Math.max(0, state.offset - PAGE); refresh(); });
by("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  state.key = by("key").value;
  by("key-form").hidden = true;
  refresh();
});
window.addEventListener("hashchange", followAddress);
refresh().then(followAddress);
setInterval(() => { if (!document.hidden) refresh(); }, REFRESH_MS);
