"use strict";
// The page of a report. Everything that comes from the repository is set as text, never as markup: el() is the only way in
// which nodes are made, and it takes strings for text only.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);

  // el makes an element. attrs: "class", "title", … ; on…: listeners. Children: nodes or text.
  function el(tag, attrs, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attrs || {})) {
      if (typeof value === "function") node.addEventListener(name.slice(2), value);
      else if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
    return node;
  }
  const number = (n) => n.toLocaleString("en");
  const plural = (n, one) => number(n) + " " + (n === 1 ? one : one.replace(/y$/, "ie") + "s");
  const pressed = (button, on) => button.setAttribute("aria-pressed", on ? "true" : "false");
  const environmentOf = (c) => data.targets[c.target].environment;
  const nameOf = (environment) => environment || "no environment";

  // ---- data

  const environments = data.environments.map((e) => e.name);
  const last = data.last;
  const linkOf = (c) => data.targets[c.target].id + "/" + c.object;
  const byLink = new Map(); // "target/object" → change
  const byPlace = new Map(); // target and object → findings
  data.changes.forEach((c, i) => { c.index = i; c.findings = []; byLink.set(linkOf(c), i); });
  const placeKey = (target, object) => target + "\n" + object;
  // A joined finding names no namespace: objects are compared without theirs.
  const bare = (object) => object.replace(/^(\S+) [^/]*\//, "$1 ");
  data.findings.forEach((f, i) => {
    f.index = i;
    f.state = f.targets.length === 0 || f.targets.some((t) => t.state === "new") ? "new" : f.targets.some((t) => t.state === "existing") ? "existing" : "fixed";
    for (const t of f.targets) {
      const key = placeKey(t.target, bare(f.object));
      if (!byPlace.has(key)) byPlace.set(key, []);
      if (t.state !== "fixed") byPlace.get(key).push({ finding: f, state: t.state });
    }
  });
  for (const c of data.changes) {
    c.findings = byPlace.get(placeKey(c.target, bare(c.object))) || [];
    c.worst = c.findings.some((f) => f.finding.severity === "error" && f.state === "new") ? "bad"
      : c.risks.length > 0 || c.findings.some((f) => f.state === "new" && f.finding.severity === "warning") ? "warn" : "";
  }

  // ---- state

  const state = { words: [], environments: new Set(), actions: new Set(), kind: "", app: "", risky: false, found: false, grouped: true, split: false, open: new Set(), allOpen: false, states: new Set(["new"]) };
  let items = []; // what is listed: { key, members }
  let rendered = 0;

  const lower = new Array(data.diffs.length);
  const textOf = (c) => (c.text ??= (linkOf(c) + "\n" + (c.was || "") + "\n" + c.risks.join(" ") + "\n" + (c.images || []).join(" ")).toLowerCase());
  const diffText = (c) => (lower[c.diff] ??= data.diffs[c.diff].toLowerCase());

  function matches(c) {
    const target = data.targets[c.target];
    return (state.environments.size === 0 || state.environments.has(target.environment)) &&
      (state.actions.size === 0 || state.actions.has(c.action)) &&
      (!state.kind || c.kind === state.kind) && (!state.app || target.app === state.app) &&
      (!state.risky || c.risks.length > 0) && (!state.found || c.findings.some((f) => f.state === "new")) &&
      state.words.every((word) => textOf(c).includes(word) || diffText(c).includes(word));
  }

  function select() {
    const groups = new Map();
    let n = 0;
    for (const c of data.changes) {
      if (!matches(c)) continue;
      n++;
      const key = state.grouped ? c.group : "#" + c.index;
      if (!groups.has(key)) groups.set(key, { key, members: [] });
      groups.get(key).members.push(c);
    }
    items = [...groups.values()];
    for (const item of items) {
      item.worst = item.members.some((c) => c.worst === "bad") ? "bad" : item.members.some((c) => c.worst === "warn") ? "warn" : "";
      item.weight = (item.members.some((c) => environmentOf(c) === last) ? 0 : 2) + ({ bad: 0, warn: 0.5 }[item.worst] ?? 1);
    }
    items.sort((a, b) => a.weight - b.weight || a.members[0].index - b.members[0].index);
    const filtered = n < data.changes.length;
    $("count").textContent = (filtered ? number(n) + " of " : "") + plural(data.changes.length, "change") +
      (state.grouped && items.length < n ? ", " + number(items.length) + " to read" : "");
    $("clear").hidden = !filtered && state.words.length === 0;
  }

  // ---- the list, laid out as it comes into view

  const chunk = 100;
  function show() {
    select();
    $("list").replaceChildren();
    rendered = 0;
    renderMore();
  }
  function renderMore(upTo = rendered + chunk) {
    const part = document.createDocumentFragment();
    for (; rendered < Math.min(upTo, items.length); rendered++) part.append(row(items[rendered]));
    $("list").append(part);
  }
  new IntersectionObserver((entries) => {
    if (entries.some((e) => e.isIntersecting) && rendered < items.length) {
      renderMore();
      $("more").textContent = rendered < items.length ? "…" : "";
      if (rendered < items.length) requestAnimationFrame(() => window.scrollBy(0, 0));
    }
  }, { rootMargin: "1500px" }).observe($("more"));
  addEventListener("scroll", () => {
    if (rendered < items.length && $("more").getBoundingClientRect().top < innerHeight + 1500) renderMore();
  }, { passive: true });

  function titleOf(members) {
    const names = [...new Set(members.map((c) => c.name))];
    const first = members[0];
    if (names.length === 1) {
      const namespaces = new Set(members.map((c) => c.namespace));
      return first.kind + " " + (namespaces.size === 1 && first.namespace ? first.namespace + "/" : "") + first.name;
    }
    return names.length + " × " + first.kind + " (" + names.slice(0, 3).join(", ") + (names.length > 3 ? ", …" : "") + ")";
  }

  function countByEnvironment(members) {
    const counts = new Map(environments.map((e) => [e, 0]));
    for (const c of members) counts.set(environmentOf(c), (counts.get(environmentOf(c)) || 0) + 1);
    return [...counts].filter(([, n]) => n > 0);
  }

  function row(item) {
    const first = item.members[0];
    const risks = [...new Set(item.members.flatMap((c) => c.risks))];
    const faults = item.members.reduce((n, c) => Math.max(n, c.findings.filter((f) => f.state === "new" && !risks.includes(f.finding.rule)).length), 0);
    const pods = item.members.reduce((n, c) => n + (c.restarts ? c.pods : 0), 0);
    const button = el("button", { type: "button", "aria-expanded": "false", onclick: () => toggle(item) },
      el("span", { class: "act " + first.action }, first.action),
      el("span", { class: "name code" }, titleOf(item.members)),
      ...countByEnvironment(item.members).map(([e, n]) => el("span", { class: "badge" }, nameOf(e) + (n > 1 ? " × " + number(n) : ""))),
      ...risks.map((r) => el("span", { class: "badge " + (item.worst === "bad" && !r.startsWith("lint/") ? "bad" : "warn") }, "⚠ " + r)),
      faults > 0 ? el("span", { class: "badge " + (item.worst === "bad" ? "bad" : "warn") }, plural(faults, "finding")) : null,
      item.members.some((c) => c.restarts) ? el("span", { class: "badge" }, "restarts " + plural(pods, "pod")) : null,
      el("span", { class: "lines" }, first.added ? el("span", { class: "plus" }, "+" + number(first.added)) : null, " ", first.removed ? el("span", { class: "minus" }, "−" + number(first.removed)) : null));
    item.button = button;
    item.node = el("li", { class: "item" + (item.worst === "bad" ? " wrong" : risks.length > 0 ? " risky" : "") }, el("h3", {}, button));
    if (state.allOpen !== state.open.has(item.key)) open(item, true);
    return item.node;
  }

  function toggle(item) {
    const on = item.button.getAttribute("aria-expanded") !== "true";
    if (on === state.allOpen) state.open.delete(item.key); else state.open.add(item.key);
    open(item, on);
    if (on) history.replaceState(null, "", "#" + encodeURI(linkOf(item.shown || item.members[0])));
  }

  function open(item, on, member) {
    item.button.setAttribute("aria-expanded", on ? "true" : "false");
    item.body?.remove();
    item.body = null;
    if (!on) return;
    item.shown = member || item.shown || item.members[0];
    const id = "body-" + item.shown.index;
    item.body = el("div", { class: "body", id }, ...bodyOf(item));
    item.button.setAttribute("aria-controls", id);
    item.node.append(item.body);
  }

  function bodyOf(item) {
    const c = item.shown;
    const target = data.targets[c.target];
    const parts = [];
    if (item.members.length > 1) {
      const choose = el("select", { onchange: (e) => { open(item, true, data.changes[e.target.value]); item.node.querySelector("select")?.focus(); } },
        ...item.members.map((m) => el("option", { value: m.index, selected: m === c }, data.targets[m.target].id + " · " + m.object)));
      parts.push(el("label", {}, plural(item.members.length, "place") + " with the same change. Shown as in", choose));
    }
    parts.push(el("p", {}, "In ", el("code", {}, target.id), " · ", el("code", {}, c.object), c.was ? " · was " : "", c.was ? el("code", {}, c.was) : "", " · ",
      el("a", { href: "#" + encodeURI(linkOf(c)) }, "link to this")));
    if (target.why.length > 0) parts.push(el("details", {}, el("summary", {}, "Why this target is affected"), el("ul", { class: "why" }, ...target.why.map((w) => el("li", { class: "code" }, w)))));
    if (c.findings.length > 0) parts.push(el("ul", { class: "findings" }, ...c.findings.map((f) => findingNode(f.finding, f.state))));
    parts.push(el("div", { class: "box" }, diffNode(data.diffs[c.diff])));
    return parts;
  }

  // ---- diffs

  const yaml = /^(\s*)((?:- )*)(?:("[^"]*"|'[^']*'|[^\s"'#&*!|>%@`{[:][^:#]*)(:)(?=\s|$))?(.*)$/;
  // tokens cuts a line of YAML into [class, text].
  function tokens(line) {
    const m = yaml.exec(line);
    if (!m) return [["", line]];
    const [, indent, dashes, key, colon, rest] = m;
    const value = rest.trim();
    const kind = value.startsWith("#") ? "c" : value.startsWith("⟪") ? "x" : /^-?[\d.]+([a-zA-Z]{0,2})?$/.test(value) ? "n" : /^(true|false|null|~|[|>][+-]?\d?)$/.test(value) ? "w" : "s";
    return [["", indent + dashes], ["k", key || ""], ["", colon || ""], [key || dashes ? kind : "", rest]].filter(([, text]) => text);
  }
  // paint writes a line with its colours; what lies from…to is marked as the part that differs.
  function paint(cell, line, from, to) {
    let at = 0;
    for (const [kind, text] of tokens(line)) {
      const cuts = [0, from - at, to - at, text.length].map((n) => Math.min(Math.max(n, 0), text.length));
      for (let i = 0; i < 3; i++) {
        const piece = text.slice(cuts[i], cuts[i + 1]);
        if (!piece) continue;
        const span = kind ? el("span", { class: kind }, piece) : document.createTextNode(piece);
        cell.append(i === 1 ? el("mark", {}, span) : span);
      }
      at += text.length;
    }
    return cell;
  }
  // differing gives where two lines differ; nothing where they have little in common.
  function differing(a, b) {
    let start = 0;
    while (start < a.length && start < b.length && a[start] === b[start]) start++;
    let end = 0;
    while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
    const indent = a.length - a.trimStart().length;
    return start <= indent && end === 0 ? null : [start, a.length - end, b.length - end];
  }
  // blocks pairs what was removed with what was added in its place: [{ hunk }, { same }, { was, is }].
  function blocks(text) {
    const out = [];
    let was = [], is = [];
    const flush = () => {
      for (let i = 0; i < Math.max(was.length, is.length); i++) out.push({ was: was[i], is: is[i] });
      was = []; is = [];
    };
    for (const line of text.replace(/\n$/, "").split("\n")) {
      const mark = line[0], rest = line.slice(1);
      if (mark === "-") { if (is.length > 0) flush(); was.push(rest); }
      else if (mark === "+") is.push(rest);
      else { flush(); out.push(mark === "@" ? { hunk: line.replace(/^@@ ?| ?@@$/g, "") } : { same: rest }); }
    }
    flush();
    return out;
  }
  const mostLines = 600;
  function diffNode(text) {
    const table = el("table", { class: "diff" + (state.split ? " two" : ""), "aria-label": "Difference" });
    if (!text) return el("p", { class: "quiet" }, "Only the name changes.");
    const all = blocks(text);
    let at = 0;
    const more = () => {
      const part = all.slice(at, at + mostLines);
      at += part.length;
      table.append(...(state.split ? twoColumns(part) : oneColumn(part)));
      if (at < all.length) {
        const line = el("tr", {}, el("td", { colspan: 4 }, el("button", { type: "button", onclick: () => { line.remove(); more(); } }, "Show " + plural(Math.min(mostLines, all.length - at), "more line") + " of " + number(all.length - at))));
        table.append(line);
      }
    };
    more();
    return table;
  }
  const marker = (text, kind) => el("td", { class: "m " + kind }, text);
  function oneColumn(part) {
    const out = [];
    for (let i = 0; i < part.length; i++) {
      const b = part[i];
      if (b.hunk !== undefined) out.push(el("tr", { class: "hunk" }, el("td", { colspan: 2 }, b.hunk)));
      else if (b.same !== undefined) out.push(el("tr", {}, marker(" ", ""), paint(el("td"), b.same, 0, 0)));
      else {
        const run = [];
        for (; i < part.length && part[i].hunk === undefined && part[i].same === undefined; i++) run.push(part[i]);
        i--;
        for (const [side, sign, kind] of [["was", "-", "del"], ["is", "+", "add"]]) {
          for (const r of run) {
            if (r[side] === undefined) continue;
            const d = r.was !== undefined && r.is !== undefined ? differing(r.was, r.is) : null;
            out.push(el("tr", {}, marker(sign, kind), paint(el("td", { class: kind }), r[side], d ? d[0] : 0, d ? d[side === "was" ? 1 : 2] : 0)));
          }
        }
      }
    }
    return out;
  }
  function twoColumns(part) {
    return part.map((b) => {
      if (b.hunk !== undefined) return el("tr", { class: "hunk" }, el("td", { colspan: 4 }, b.hunk));
      if (b.same !== undefined) return el("tr", {}, marker(" ", ""), paint(el("td"), b.same, 0, 0), marker(" ", ""), paint(el("td"), b.same, 0, 0));
      const d = b.was !== undefined && b.is !== undefined ? differing(b.was, b.is) : null;
      const cells = (side, sign, kind, end) => b[side] === undefined ? [marker("", "none"), el("td", { class: "none" })]
        : [marker(sign, kind), paint(el("td", { class: kind }), b[side], d ? d[0] : 0, d ? d[end] : 0)];
      return el("tr", {}, ...cells("was", "-", "del", 1), ...cells("is", "+", "add", 2));
    });
  }

  // ---- findings

  const signs = { error: "❌", warning: "⚠️", notice: "ℹ️" };
  function findingNode(f, state) {
    const where = [];
    if (f.at) where.push(f.url ? el("a", { href: f.url, rel: "noreferrer" }, el("code", {}, f.at)) : el("code", {}, f.at));
    if (f.object) where.push(el("code", {}, f.object));
    const ids = f.targets.filter((t) => t.state === state).map((t) => data.targets[t.target]?.id ?? t.id);
    if (ids.length > 3) where.push(el("span", { title: ids.slice(0, 50).join("\n") }, "in " + plural(ids.length, "target")));
    else if (ids.length > 0) where.push(el("span", {}, "in " + ids.join(", ")));
    return el("li", { class: f.severity + " " + state },
      el("p", {}, el("span", { role: "img", "aria-label": f.severity }, signs[f.severity]), " ", f.message, " ", el("span", { class: "badge" }, f.rule), state === "new" ? "" : el("span", { class: "badge" }, state)),
      where.length > 0 ? el("p", { class: "where quiet" }, ...where.flatMap((w, i) => i > 0 ? [" · ", w] : [w])) : null);
  }
  const mostFindings = 100;
  function showFindings() {
    const shown = data.findings.filter((f) => state.states.has(f.state));
    shown.sort((a, b) => (b.risk - a.risk) || a.index - b.index);
    const list = $("findings").querySelector("ul");
    list.replaceChildren();
    let at = 0;
    const more = () => {
      list.append(...shown.slice(at, at + mostFindings).map((f) => findingNode(f, f.state)));
      at += mostFindings;
      if (at < shown.length) {
        const rest = el("li", {}, el("button", { type: "button", onclick: () => { rest.remove(); more(); } }, "Show " + plural(shown.length - at, "more finding")));
        list.append(rest);
      }
    };
    more();
  }

  // ---- the parts above the list

  function header() {
    const kind = { pass: "good", fail: "bad", incomplete: "warn" }[data.verdict] || "";
    document.title = data.headline + " · sluice";
    $("headline").append(el("span", { class: "badge verdict " + kind }, data.verdict), data.headline);
    $("range").append(...(data.base ? [el("code", {}, data.base), " → "] : []), el("code", {}, data.head));
    $("coverage").textContent = data.coverage;
    $("waived").hidden = data.waived.length === 0;
    $("waived").querySelector("summary").textContent = data.waived.length + " accepted by exceptions, comments and policies";
    $("waived").querySelector("ul").append(...data.waived.map((w) => el("li", {}, w)));
    $("notes").append(...data.notes.map((n) => el("li", {}, n)));
    const failed = data.targets.filter((t) => t.status === "failed").map((t) => t.id + ": could not be rendered")
      .concat(data.targets.filter((t) => t.status === "rendered" && t.base === "failed").map((t) => t.id + ": could not be rendered on base, so that nothing is compared"));
    const missing = data.unchecked.concat(failed);
    $("unchecked").hidden = missing.length === 0;
    $("unchecked").querySelector("ul").append(...missing.map((m) => el("li", {}, m)));
  }
  function cards() {
    document.querySelector(".cards").append(...data.environments.map((e) => el("div", { class: "card" },
      el("strong", {}, nameOf(e.name)),
      el("p", { class: "big" }, plural(e.changes, "change")),
      el("p", { class: "quiet" }, [plural(e.targets, "target"), e.words].filter(Boolean).join(" · ")),
      e.restarts ? el("p", {}, "Restarts: " + e.restarts) : null, e.requests ? el("p", {}, "Requests: " + e.requests) : null,
      e.findings ? el("p", { class: "minus" }, "New: " + e.findings) : null)));
  }
  const mostApps = 100;
  function matrix() {
    const apps = [...new Set(data.targets.map((t) => t.app))].sort();
    const cells = new Map();
    data.targets.forEach((t, i) => {
      const key = t.app + "\n" + t.environment;
      if (!cells.has(key)) cells.set(key, { targets: 0, changes: 0, worst: "" });
      const cell = cells.get(key);
      cell.targets++;
      if (t.status === "failed") cell.worst = "bad";
      t.cell = cell;
    });
    for (const c of data.changes) {
      const cell = data.targets[c.target].cell;
      cell.changes++;
      if (c.worst === "bad" || (c.worst === "warn" && !cell.worst)) cell.worst = c.worst;
    }
    const rank = (app) => Math.min(...environments.map((e) => ({ bad: 0, warn: 1 })[cells.get(app + "\n" + e)?.worst] ?? 2));
    const ranks = new Map(apps.map((app) => [app, rank(app)]));
    apps.sort((a, b) => ranks.get(a) - ranks.get(b)); // stable: by name within a rank
    const body = el("tbody");
    const line = (app) => el("tr", {}, el("th", { scope: "row", class: "code" }, app || "no application"), ...environments.map((e) => {
      const cell = cells.get(app + "\n" + e);
      if (!cell) return el("td");
      const words = cell.worst === "bad" ? "errors" : cell.worst === "warn" ? "risks" : "";
      return el("td", {}, el("button", { type: "button", "aria-label": app + " in " + nameOf(e) + ": " + plural(cell.changes, "change") + (words ? ", " + words : ""), onclick: () => filterTo(app, e) },
        el("span", { class: "dot " + (cell.worst || (cell.changes > 0 ? "changed" : "")) }), cell.changes > 0 ? number(cell.changes) : "–"));
    }));
    body.append(...apps.slice(0, mostApps).map(line));
    if (apps.length > mostApps) {
      const rest = el("tr", {}, el("td", { colspan: environments.length + 1 }, el("button", { type: "button", onclick: () => { rest.remove(); body.append(...apps.slice(mostApps).map(line)); } },
        "Show " + plural(apps.length - mostApps, "more application"))));
      body.append(rest);
    }
    document.querySelector(".matrix").append(el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Application"), ...environments.map((e) => el("th", { scope: "col" }, nameOf(e))))), body));
    document.querySelector(".matrix").hidden = apps.length === 0;
  }
  function filterTo(app, environment) {
    state.app = app;
    $("app").value = app;
    state.environments = new Set([environment]);
    syncChips();
    show();
    $("changes").scrollIntoView();
    $("changes").focus({ preventScroll: true });
  }
  function images() {
    if (data.images.length === 0) return;
    $("images").hidden = false;
    $("images").querySelector(".scroll").append(el("table", {},
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Image"), ...environments.map((e) => el("th", { scope: "col" }, nameOf(e))))),
      el("tbody", {}, ...data.images.map((row) => el("tr", {}, el("th", { scope: "row", class: "code" }, row.repository),
        ...environments.map((e) => el("td", { class: "code" }, ...(row.changes[e] || []).flatMap(([from, to], i) => [i > 0 ? el("br") : "", (from || "none") + " → " + (to || "none")]))))))));
  }

  // ---- filters

  const chips = []; // [button, is it on?]
  function chip(into, label, isOn, flip) {
    const button = el("button", { type: "button", onclick: () => { flip(); syncChips(); show(); } }, label);
    chips.push([button, isOn]);
    $(into).append(button);
  }
  function syncChips() { for (const [button, isOn] of chips) pressed(button, isOn()); }
  const flip = (set, value) => { if (!set.delete(value)) set.add(value); };
  function options(into, all, values) {
    $(into).append(el("option", { value: "" }, all), ...[...new Set(values)].filter(Boolean).sort().map((v) => el("option", { value: v }, v)));
  }
  function filters() {
    if (environments.length > 1) for (const e of environments) chip("environments", nameOf(e), () => state.environments.has(e), () => flip(state.environments, e));
    const actions = [...new Set(data.changes.map((c) => c.action))].sort();
    if (actions.length > 1) for (const a of actions) chip("actions", a, () => state.actions.has(a), () => flip(state.actions, a));
    chip("only", "risky", () => state.risky, () => { state.risky = !state.risky; });
    chip("only", "with findings", () => state.found, () => { state.found = !state.found; });
    options("kind", "all", data.changes.map((c) => c.kind));
    options("app", "all", data.targets.map((t) => t.app));
    $("kind").onchange = () => { state.kind = $("kind").value; show(); };
    $("app").onchange = () => { state.app = $("app").value; show(); };
    let timer;
    $("search").oninput = () => { clearTimeout(timer); timer = setTimeout(() => { state.words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean); show(); }, 80); };
    document.querySelector("form[role=search]").onsubmit = (e) => e.preventDefault();
    $("clear").onclick = clear;
    $("grouped").onclick = () => { state.grouped = !state.grouped; pressed($("grouped"), state.grouped); show(); };
    $("split").onclick = () => { state.split = !state.split; pressed($("split"), state.split); show(); };
    $("fold").onclick = foldAll;
    const counts = { new: 0, existing: 0, fixed: 0 };
    for (const f of data.findings) counts[f.state]++;
    $("findings").hidden = data.findings.length === 0;
    if (counts.new === 0) state.states = new Set();
    for (const [name, n] of Object.entries(counts)) {
      if (n === 0) continue;
      const button = el("button", { type: "button", onclick: () => { flip(state.states, name); pressed(button, state.states.has(name)); showFindings(); } }, number(n) + " " + name);
      pressed(button, state.states.has(name));
      $("findings").querySelector(".chips").append(button);
    }
    syncChips();
  }
  function clear() {
    Object.assign(state, { words: [], environments: new Set(), actions: new Set(), kind: "", app: "", risky: false, found: false });
    for (const id of ["search", "kind", "app"]) $(id).value = "";
    syncChips();
    show();
  }
  function foldAll() {
    state.allOpen = !state.allOpen;
    state.open.clear();
    $("fold").textContent = state.allOpen ? "Close all" : "Open all";
    show();
  }

  // ---- links, keys, theme, paper

  function follow() {
    let link;
    try { link = decodeURI(location.hash.slice(1)); } catch { return; }
    const index = byLink.get(link);
    if (index === undefined) {
      const target = data.targets.find((t) => t.id === link);
      if (target) filterTo(target.app, target.environment);
      return;
    }
    const wanted = data.changes[index];
    const find = () => items.findIndex((item) => item.members.includes(wanted));
    let at = find();
    if (at < 0) { clear(); at = find(); }
    renderMore(at + 1);
    const item = items[at];
    if (!state.allOpen) state.open.add(item.key);
    open(item, true, wanted);
    item.node.scrollIntoView();
    item.button.focus({ preventScroll: true });
  }
  function move(step, wanted) {
    const at = items.findIndex((item) => item.button && item.node.isConnected && item.node.contains(document.activeElement));
    for (let i = at + step; i >= 0 && i < items.length; i += step) {
      if (wanted && !wanted(items[i])) continue;
      renderMore(Math.max(rendered, i + 1));
      items[i].button.focus();
      items[i].node.scrollIntoView({ block: "nearest" });
      return;
    }
  }
  const keys = {
    "/": () => { $("search").focus(); $("search").select(); },
    j: () => move(1), k: () => move(-1), r: () => move(1, (item) => item.members.some((c) => c.risks.length > 0)),
    o: () => { const item = items.find((i) => i.node?.isConnected && i.node.contains(document.activeElement)); if (item) { toggle(item); item.button.focus(); } },
    e: foldAll, s: () => $("split").click(), g: () => $("grouped").click(), "?": () => $("keys").showModal(),
  };
  addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || $("keys").open) return;
    const typing = e.target.matches?.("input, select, textarea");
    if (e.key === "Escape") { clear(); e.target.blur?.(); return; }
    if (!typing && keys[e.key]) { e.preventDefault(); keys[e.key](); }
  });
  $("help").onclick = () => $("keys").showModal();
  const themes = ["", "light", "dark"];
  const setTheme = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme; else delete document.documentElement.dataset.theme;
    $("theme").textContent = "Theme: " + (theme || "auto");
  };
  let theme = "";
  try { theme = localStorage.getItem("sluice-theme") || ""; } catch { /* no storage: the theme is not kept */ }
  setTheme(themes.includes(theme) ? theme : "");
  $("theme").onclick = () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    setTheme(theme);
    try { localStorage.setItem("sluice-theme", theme); } catch { /* as above */ }
  };
  addEventListener("beforeprint", () => renderMore(items.length));
  addEventListener("hashchange", follow);

  header();
  cards();
  matrix();
  images();
  filters();
  showFindings();
  show();
  if (location.hash) follow();
})();
