/** @file The operations of the API, listed from its own description. Text is only ever set as text. */

const MOST_DEEP = 3;

function make(tag, text = "", kind = "") {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function resolved(description, schema) {
  const name = schema?.$ref?.split("/").pop();
  return name ? description.components.schemas[name] : schema ?? {};
}

function typeOf(description, schema) {
  const own = resolved(description, schema);
  const several = own.anyOf ?? own.oneOf;
  if (several) return several.map((one) => typeOf(description, one)).join(" or ");
  if (own.enum) return own.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (own.const !== undefined) return JSON.stringify(own.const);
  if (own.prefixItems) return `${own.prefixItems.length} × ${typeOf(description, own.prefixItems[0])}`;
  if (own.type === "array") return `list of ${typeOf(description, own.items)}`;
  if (own.format === "binary" || own.contentMediaType) return "file";
  return own.title && own.properties ? own.title : own.type ?? "anything";
}

function limitsOf(schema) {
  const parts = [];
  for (const own of [schema, ...(schema.anyOf ?? [])]) {
    if (own.minimum !== undefined) parts.push(`from ${own.minimum}`);
    if (own.maximum !== undefined) parts.push(`to ${own.maximum}`);
    if (own.maxItems !== undefined && !own.prefixItems) parts.push(`at most ${own.maxItems}`);
  }
  if (schema.default !== undefined && schema.default !== null) {
    parts.push(`default ${JSON.stringify(schema.default)}`);
  }
  return parts.join(", ");
}

function rowsOf(description, schema, needed, prefix = "", depth = 0) {
  const own = resolved(description, schema);
  const rows = [];
  for (const [name, value] of Object.entries(own.properties ?? {})) {
    const required = (own.required ?? []).includes(name) && needed;
    rows.push([prefix + name, value, required]);
    const inner = [value, value.items, ...(value.anyOf ?? []), ...(value.anyOf ?? []).map((one) => one.items)];
    for (const one of inner) {
      const nested = one?.$ref ? resolved(description, one) : null;
      if (nested?.properties && depth < MOST_DEEP) {
        const mark = value.type === "array" || one === value.items ? "[]" : "";
        rows.push(...rowsOf(description, one, needed, `${prefix}${name}${mark}.`, depth + 1));
      }
    }
  }
  return rows;
}

function table(description, rows) {
  const made = make("table");
  const head = made.createTHead().insertRow();
  for (const text of ["Name", "Type", "What"]) head.append(make("th", text));
  const body = made.createTBody();
  for (const [name, schema, required] of rows) {
    const row = body.insertRow();
    const cell = row.insertCell();
    cell.append(make("code", name), required ? " (needed)" : "");
    row.insertCell().textContent = typeOf(description, schema);
    const words = [schema.description, limitsOf(schema)].filter(Boolean).join(" ");
    row.insertCell().textContent = words;
  }
  return made;
}

function curl(method, path, content) {
  const address = `${location.origin}${path}`;
  if (content?.["application/json"]) {
    return `curl ${address} -X ${method.toUpperCase()} -H 'Content-Type: application/json' -d '{…}'`;
  }
  if (content?.["multipart/form-data"]) return `curl ${address} -F file=@picture.jpg`;
  return method === "get" ? `curl '${address}'` : `curl -X ${method.toUpperCase()} '${address}'`;
}

function operation(description, path, method, facts) {
  const made = make("details");
  const line = make("summary");
  line.append(
    make("span", method.toUpperCase(), `method ${method}`),
    make("code", path, "path"),
    make("span", facts.description ?? facts.summary, "what"),
  );
  const body = make("div", "", "body");
  const content = facts.requestBody?.content;
  body.append(make("pre", curl(method, path, content)));
  if (facts.parameters?.length) {
    body.append(make("p", "Parameters"));
    body.append(table(description, facts.parameters.map((one) => [
      one.name, { description: one.description, ...one.schema }, one.required,
    ])));
  }
  for (const [kind, value] of Object.entries(content ?? {})) {
    body.append(make("p", `Body, ${kind}`), table(description, rowsOf(description, value.schema, true)));
  }
  for (const [status, answer] of Object.entries(facts.responses)) {
    if (!/^2/.test(status)) continue;
    for (const [kind, value] of Object.entries(answer.content ?? {})) {
      body.append(make("p", `Answer ${status}, ${kind}`));
      const rows = rowsOf(description, value.schema, false);
      if (rows.length) body.append(table(description, rows));
    }
  }
  made.append(line, body);
  return made;
}

async function list() {
  const place = document.getElementById("operations");
  const answer = await fetch("/openapi.json");
  if (!answer.ok) {
    place.replaceChildren(make("p", `The description cannot be read (${answer.status}).`));
    return;
  }
  const description = await answer.json();
  const groups = new Map();
  for (const [path, operations] of Object.entries(description.paths)) {
    for (const [method, facts] of Object.entries(operations)) {
      const tag = facts.tags?.[0] ?? "others";
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(description, path, method, facts));
    }
  }
  place.replaceChildren(
    ...[...groups].flatMap(([tag, operations]) => [make("h2", tag), ...operations]),
  );
}

list();
