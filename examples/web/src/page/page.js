// The page of the orders. What is shown comes from three places: the list of orders with the position up to which it is
// true, the stream of events after that position, and the past of the chosen order.

const $ = (id) => document.getElementById(id);
const MOST_IN_FEED = 200;

/** Orders by id, as the newest event that was seen left them. */
const orders = new Map();
/** Articles by their key. */
const articles = new Map();
/** The position of the last event that was seen: where to follow from. */
let seen = null;
/** The id of the order that is shown. */
let chosen = null;
/** The version that the slider is at; null: the newest, also when it moves on. */
let held = null;

// ---- requests

/** Asks until there is an answer. The key makes that safe: nothing is done twice, however often it is sent. */
async function command(method, path, body) {
  const key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const headers = { "Idempotency-Key": key, "Content-Type": "application/json" };
  for (let attempt = 1; ; attempt++) {
    const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) }).catch(() => null);
    if (answer?.ok) {
      say("");
      return answer.json();
    }
    const again = answer === null || answer.headers.has("Retry-After");
    if (!again || attempt === 5) {
      const problem = await answer?.json().catch(() => null);
      say(problem ? `${problem.title}: ${problem.detail}` : "the service cannot be reached");
      return null;
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

async function query(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

function say(trouble) {
  $("trouble").textContent = trouble;
  $("trouble").hidden = trouble === "";
}

// ---- the stream

/** Reads the list, and follows from where it ends. */
async function begin() {
  try {
    const list = await query("/orders");
    orders.clear();
    for (const order of list.orders) orders.set(order.id, order);
    seen = list.position;
    if (!orders.has(chosen)) choose(null);
    showOrders();
    showOrder();
    follow();
  } catch {
    connection("connecting");
    setTimeout(begin, 1000);
  }
}

function follow(refused = 0) {
  const source = new EventSource(seen === null ? "/events" : `/events?after=${seen}`);
  source.onopen = () => {
    refused = 0;
    connection("live");
  };
  source.onerror = () => {
    connection("connecting");
    // A browser comes back by itself, and says what it saw last. It gives up where it gets an answer that is no stream:
    // from a server that is about to end, say. One that refuses again may have another log, so begin anew.
    if (source.readyState !== EventSource.CLOSED) return;
    setTimeout(() => (refused < 3 ? follow(refused + 1) : begin()), 1000);
  };
  source.addEventListener("order", (message) => {
    const { order, ...happened } = JSON.parse(message.data);
    seen = message.lastEventId;
    orders.set(order.id, order);
    tell(message.lastEventId, happened, order);
    showOrders(order.id);
    if (order.id === chosen) showOrder();
  });
  source.addEventListener("forgotten", (message) => {
    seen = message.lastEventId;
    orders.delete(message.data);
    for (const item of $("feed").querySelectorAll(`[data-order="${message.data}"]`)) item.remove();
    if (message.data === chosen) choose(null);
    showOrders();
  });
}

function connection(state) {
  $("connection").dataset.state = state;
  $("connection").textContent = state;
}

function tell(position, happened, order) {
  const item = element("li", "", [
    element("time", clock(happened.at)),
    element("strong", words(happened.event)),
    element("span", `${order.customer} · ${order.id}`),
    element("span", position, [], "at"),
  ]);
  item.dataset.position = position;
  item.dataset.order = order.id;
  item.dataset.version = happened.version;
  $("feed").prepend(item);
  while ($("feed").children.length > MOST_IN_FEED) $("feed").lastChild.remove();
  $("no-feed").hidden = true;
}

// ---- the list

function showOrders(changed) {
  const sorted = [...orders.values()].sort((a, b) => a.customer.localeCompare(b.customer) || a.id.localeCompare(b.id));
  const focused = document.activeElement?.dataset?.order;
  $("orders").replaceChildren(...sorted.map((order) => {
    const button = element("button", "", [
      element("span", order.customer, [], "who"),
      status(element("span", order.status, [], "status"), order.status),
      element("span", `${order.id} · version ${order.version}`, [], "quiet"),
      element("span", money(order.total_cents), [], "sum"),
    ]);
    button.type = "button";
    button.dataset.order = order.id;
    button.ariaCurrent = String(order.id === chosen);
    if (order.id === changed) button.classList.add("changed");
    button.onclick = () => choose(order.id);
    return element("li", "", [button]);
  }));
  // The list was made anew: the keyboard stays where it was.
  if (focused) $("orders").querySelector(`[data-order="${focused}"]`)?.focus();
  $("count").textContent = sorted.length ? `(${sorted.length})` : "";
  $("no-orders").hidden = sorted.length > 0;
}

function choose(id) {
  chosen = id;
  held = null;
  $("order").hidden = $("history").hidden = id === null;
  $("nothing").hidden = id !== null;
  showOrders();
  showOrder();
}

// ---- the chosen order

function showOrder() {
  const order = orders.get(chosen);
  if (!order) return;
  const open = order.status === "open";
  $("order-title").textContent = order.id;
  $("order-customer").textContent = order.customer;
  $("order-status").textContent = order.status;
  status($("order-status"), order.status);
  const pressed = $("lines").contains(document.activeElement) && document.activeElement.ariaLabel;
  $("lines").replaceChildren(...order.lines.map((line) => element("tr", "", [
    element("td", articles.get(line.article)?.name ?? line.article),
    element("td", "", [open ? stepper(line) : element("span", line.quantity)], "number"),
    element("td", money(line.cents), [], "number"),
    element("td", money(line.quantity * line.cents), [], "number"),
  ])));
  // The keyboard stays at the button that it pressed, which was made anew.
  if (pressed) $("lines").querySelector(`[aria-label="${pressed}"]`)?.focus();
  $("total").textContent = money(order.total_cents);
  $("add-line").hidden = !open;
  const confirmed = order.status === "confirmed";
  $("confirm").disabled = !open;
  $("ship").disabled = !confirmed;
  $("actions").hidden = !open && !confirmed;
  showVersion();
}

function stepper(line) {
  const name = articles.get(line.article)?.name ?? line.article;
  const change = (by, sign, label) => {
    const button = element("button", sign);
    button.type = "button";
    button.ariaLabel = `${label} of ${name}`;
    button.disabled = line.quantity + by < 1 || line.quantity + by > 99;
    button.onclick = () =>
      command("PUT", `/orders/${chosen}/lines/${line.article}`, { quantity: line.quantity + by });
    return button;
  };
  return element("span", "", [change(-1, "−", "One less"), element("output", line.quantity), change(1, "+", "One more")], "stepper");
}

// ---- its history

async function showVersion() {
  const order = orders.get(chosen);
  if (!order) return;
  const version = held ?? order.version;
  const slider = $("version");
  slider.max = order.version;
  slider.value = version;
  slider.disabled = order.version === 1;
  slider.ariaValueText = `version ${version} of ${order.version}`;
  $("earlier").disabled = version <= 1;
  $("later").disabled = version >= order.version;
  const ticks = order.version > 12 ? [1, order.version] : Array.from({ length: order.version }, (_, index) => index + 1);
  $("ticks").replaceChildren(...ticks.map((tick) => element("span", tick)));

  const past = await query(`/orders/${order.id}/versions/${version}`).catch(() => null);
  // Somebody may have moved on while it was asked for.
  if (!past || chosen !== order.id || (held ?? orders.get(chosen)?.version) !== version) return;
  $("event-name").textContent = words(past.event);
  $("event-version").textContent = `version ${version} of ${order.version}`;
  $("event-time").textContent = new Date(past.at).toLocaleString();
  $("event-time").dateTime = past.at;
  $("patch").replaceChildren(...past.patch.map((step) => {
    const op = element("span", step.op, [], "op");
    op.dataset.op = step.op;
    const parts = [op, element("span", step.path || "(the whole order)", [], "path")];
    if ("value" in step) parts.push(element("span", JSON.stringify(step.value, null, 1), [], "value"));
    if ("from" in step) parts.push(element("span", `from ${step.from}`, [], "value"));
    return element("li", "", parts);
  }));
  const { customer, status, lines } = past.order;
  $("state").textContent = JSON.stringify({ customer, status, lines }, null, 2);
  $("history").dataset.version = version;
}

function hold(version) {
  const newest = orders.get(chosen)?.version;
  held = version >= newest ? null : Math.max(1, version);
  showVersion();
}

// ---- small things

function element(tag, text, children = [], name = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (children.length) made.append(...children);
  else made.textContent = text;
  return made;
}

function status(badge, value) {
  badge.dataset.status = value;
  return badge;
}

const money = (cents) => (cents / 100).toLocaleString("en", { style: "currency", currency: "EUR" });
const clock = (at) => new Date(at).toLocaleTimeString("en-GB");
/** OrderPlaced: Order placed. */
const words = (name) => name.replace(/(?<!^)[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

const line = (form) => ({ article: form.article.value, quantity: Number(form.quantity.value) });

$("place").onsubmit = async (event) => {
  event.preventDefault();
  const form = event.target.elements;
  const placed = await command("POST", "/orders", { customer: form.customer.value, lines: [line(form)] });
  if (!placed) return;
  event.target.reset();
  // The answer may be here before the stream tells of it, or after later events.
  if (!orders.has(placed.id)) orders.set(placed.id, placed);
  choose(placed.id);
};

$("add-line").onsubmit = async (event) => {
  event.preventDefault();
  if (await command("POST", `/orders/${chosen}/lines`, line(event.target.elements))) event.target.reset();
};

for (const step of ["confirm", "ship", "cancel"]) {
  $(step).onclick = () => command("POST", `/orders/${chosen}/${step}`);
}
$("version").oninput = () => hold(Number($("version").value));
$("earlier").onclick = () => hold((held ?? orders.get(chosen).version) - 1);
$("later").onclick = () => hold((held ?? orders.get(chosen).version) + 1);

for (const article of await query("/articles")) {
  articles.set(article.article, article);
  for (const select of document.querySelectorAll("select[name=article]")) {
    const option = element("option", `${article.name} — ${money(article.cents)}`);
    option.value = article.article;
    select.append(option);
  }
}
begin();
