// SPDX-License-Identifier: Apache-2.0
// Reading needs none of this: it filters findings, keeps the filter in the
// address, and shows a node without leaving the map.
"use strict";
(() => {
  const all = (q, from = document) => [...from.querySelectorAll(q)];
  const form = document.querySelector(".filter");
  const findings = all(".f");
  const states = all("input[name=state]", form);
  const panel = document.getElementById("panel");
  form.hidden = findings.length === 0;

  function filter() {
    const on = new Set(states.filter((s) => s.checked).map((s) => s.value));
    const area = form.area.value;
    const words = form.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const f of findings) {
      const text = f.textContent.toLowerCase();
      f.hidden = !(on.has(f.dataset.state) && (!area || f.dataset.area === area) && words.every((w) => text.includes(w)));
      shown += f.hidden ? 0 : 1;
    }
    form.shown.value = shown + " of " + findings.length + " shown";
  }

  function keep() {
    const p = new URLSearchParams();
    const off = states.filter((s) => !s.checked);
    if (off.length) p.set("state", states.filter((s) => s.checked).map((s) => s.value).join(","));
    if (form.area.value) p.set("area", form.area.value);
    if (form.q.value) p.set("q", form.q.value);
    history.replaceState(null, "", "#findings?" + p);
    filter();
  }

  function show(name) {
    const tile = all(".tile").find((t) => t.dataset.node === name);
    const shape = all(".shape").find((s) => s.dataset.names.includes(" " + name + " "));
    if (!tile || !shape) return;
    document.getElementById("panel-name").textContent = name;
    document.getElementById("panel-facts").textContent = tile.getAttribute("aria-label") + " · " + tile.dataset.facts;
    const body = document.getElementById("panel-body");
    const found = findings.filter((f) => f.dataset.state !== "PASS" && f.dataset.nodes.includes(" " + name + " "));
    body.replaceChildren(...found.map((f) => { const c = f.cloneNode(true); c.hidden = false; c.open = true; return c; }),
      ...all(".pic,.mx,.un", shape).map((e) => e.cloneNode(true)));
    if (!panel.open) panel.showModal();
    panel.scrollTop = 0;
  }

  function follow() {
    const [place, query = ""] = location.hash.slice(1).split("?");
    const p = new URLSearchParams(query);
    if (place === "findings") {
      const on = p.has("state") ? p.get("state").split(",") : states.map((s) => s.value);
      for (const s of states) s.checked = on.includes(s.value);
      form.area.value = p.get("area") || "";
      form.q.value = p.get("q") || "";
      filter();
      if (query) document.getElementById("findings").scrollIntoView();
    } else if (place === "node" && p.get("name")) {
      show(p.get("name"));
    } else if (place) {
      const target = document.getElementById(place);
      if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView(); }
    }
  }

  form.addEventListener("input", keep);
  form.addEventListener("submit", (e) => e.preventDefault());
  document.addEventListener("click", (e) => {
    const tile = e.target.closest && e.target.closest(".tile");
    if (!tile || e.ctrlKey || e.metaKey || e.shiftKey) return;
    e.preventDefault();
    location.hash = "node?" + new URLSearchParams({ name: tile.dataset.node });
  });
  panel.addEventListener("close", () => { if (location.hash.startsWith("#node?")) history.replaceState(null, "", "#map"); });
  addEventListener("hashchange", follow);
  addEventListener("beforeprint", () => { for (const d of all("details")) d.open = true; });
  filter();
  follow();
})();
