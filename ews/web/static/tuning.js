// The tuning page with a script: a slider beside each number, and the answer while it is dragged.
// Without this file the page is the same form with a button; both show what the server says.
"use strict";
(() => {
  const form = document.getElementById("tuning");
  const answer = document.getElementById("answer");
  const status = document.getElementById("status");
  if (!form || !answer || !window.fetch) return;

  const TICK_MS = 30; // moves that come closer together are one question
  const REST_MS = 350; // after so long without a move the curve is drawn again, too

  // ------------------------------------------------------------------ sliders
  const FLOOR = 0.0001; // the least a slider by powers of ten shows
  const places = (value) => Number(value.toPrecision(2));

  function slider(input) {
    const range = document.createElement("input");
    const byPowers = input.dataset.log === "1";
    const step = Number(input.dataset.step) || 0.01;
    const low = Number(input.min), most = Number(input.max);
    // A budget or a count of days has no end; what is usual lies near what it is now.
    const high = most > 400 ? Math.max(10, 4 * Number(input.dataset.base || 5)) : most;
    const up = (value) => (byPowers ? Math.log10(Math.max(value, FLOOR)) : value);
    const down = (value) => (byPowers ? places(10 ** value) : Number((Math.round(value / step) * step).toFixed(6)));
    range.type = "range";
    range.min = String(up(low));
    range.max = String(up(high));
    range.step = byPowers ? "0.01" : String(step);
    range.setAttribute("aria-label", input.getAttribute("aria-label") || input.labels[0]?.firstElementChild?.textContent || input.name);
    const follow = () => {
      if (input.value !== "") range.value = String(up(Number(input.value)));
      range.setAttribute("aria-valuetext", input.value || "-");
    };
    range.addEventListener("input", () => {
      input.value = String(down(Number(range.value)));
      range.setAttribute("aria-valuetext", input.value);
      twin(input);
      input.dispatchEvent(new Event("input", { bubbles: true }));
    });
    input.addEventListener("input", follow);
    follow();
    input.after(range);
  }

  // What lets an alert go may not stand above what raises it: the other value is taken along.
  function twin(input) {
    const raise = input.name.endsWith(".raise_at");
    const name = raise ? input.name.replace(/raise_at$/, "clear_at") : input.name.replace(/clear_at$/, "raise_at");
    const other = name === input.name ? null : form.elements[name];
    if (!other || other.type !== "number" || other.value === "" || input.value === "") return;
    const wrong = raise ? Number(other.value) > Number(input.value) : Number(other.value) < Number(input.value);
    if (!wrong) return;
    other.value = input.value;
    other.dispatchEvent(new Event("input", { bubbles: true }));
  }

  for (const input of form.querySelectorAll("label.knob > input[type=number][data-step]")) slider(input);

  // ------------------------------------------------------------------ the question
  const differs = (input) => input.dataset.base === undefined || input.value !== input.dataset.base;

  function question() {
    const query = new URLSearchParams();
    for (const input of form.elements) {
      if (!input.name || input.name === "pick" || input.type === "range" || input.value === "") continue;
      if (input.dataset.step !== undefined && !differs(input)) continue;
      query.append(input.name, input.value);
    }
    return query;
  }

  let asking = false, again = false, rest = 0, tick = 0;

  async function ask(full) {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    answer.classList.add("old");
    const query = question();
    const address = new URLSearchParams(query);
    if (!full) query.set("curve", "0");
    try {
      const reply = await fetch(`/tuning/answer?${query}`, { credentials: "same-origin" });
      const text = await reply.text();
      if (!reply.ok) throw new Error(String(reply.status));
      put(text);
      history.replaceState(null, "", `/tuning?${address}`);
    } catch (err) {
      status.textContent = form.dataset.failed;
      status.classList.add("failed");
    } finally {
      asking = false;
      answer.classList.remove("old");
      if (again) {
        again = false;
        ask(false);
      }
    }
  }

  // What was typed into the form for saving stays, and so does what was opened.
  function put(text) {
    const typed = {};
    for (const input of answer.querySelectorAll("form.save input:not([type=hidden])")) typed[input.name] = input.type === "checkbox" ? input.checked : input.value;
    const open = [...answer.querySelectorAll("details")].map((one) => [key(one), one.open]);
    const drawn = answer.querySelector("[data-curve]");
    answer.innerHTML = text;
    for (const input of answer.querySelectorAll("form.save input:not([type=hidden])")) {
      if (!(input.name in typed)) continue;
      if (input.type === "checkbox") input.checked = typed[input.name];
      else input.value = typed[input.name];
    }
    for (const one of answer.querySelectorAll("details")) {
      const was = open.find(([name]) => name === key(one));
      if (was) one.open = was[1];
    }
    const place = answer.querySelector("[data-curve-waits]");
    if (place && drawn) place.replaceWith(drawn);
    say();
  }
  const key = (one) => one.className + (one.querySelector("summary")?.textContent || "").replace(/[\d\s]+/g, "");

  function say() {
    for (const one of answer.querySelectorAll("#says li")) {
      const place = form.querySelector(`[data-says="${one.dataset.measure}"]`);
      if (place) place.textContent = one.textContent;
    }
    status.classList.remove("failed");
    const spoken = answer.querySelector("#spoken") || answer.querySelector("#wrong");
    status.textContent = spoken ? spoken.textContent : "";
  }

  form.addEventListener("input", (event) => {
    const input = event.target;
    if (!input.name) return;
    if (/_factor$|^add_/.test(input.name)) return; // added by the button
    if (input.dataset.base !== undefined) {
      input.closest("label")?.classList.toggle("moved", differs(input));
      const line = input.closest("fieldset");
      if (line) line.classList.toggle("moved", [...line.querySelectorAll("input[data-base]")].some(differs));
    }
    clearTimeout(tick);
    clearTimeout(rest);
    tick = setTimeout(() => ask(false), TICK_MS);
    rest = setTimeout(() => ask(true), REST_MS);
  });
  form.addEventListener("change", (event) => {
    if (event.target.dataset && event.target.dataset.step !== undefined) twin(event.target);
  });
  say();
})();
