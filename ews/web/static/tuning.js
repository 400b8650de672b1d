// The tuning page with a script: a slider beside each number, and the answer while it is dragged.
// Without this file the page is the same form with a button; both show what the server says.
"use strict";
(() => {
  const form = document.getElementById("tuning");
  const answer = document.getElementById("answer");
  const status = document.getElementById("status");
  if (!form || !answer || !window.fetch) return;

  const TICK_MS = 30; // moves that come closer together are one question
  // What takes longer is asked for when the slider rests: what each receiver gets, then the curve.
  const LOADS_MS = 150, CURVE_MS = 700;
  const SHORT = ["curve=0&loads=0", "curve=0", ""];

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

  let asking = false, next = -1;
  const timers = [0, 0, 0];

  async function ask(level) {
    if (asking) {
      next = Math.max(next, level);
      return;
    }
    asking = true;
    const query = question();
    const short = SHORT[level] ? `&${SHORT[level]}` : "";
    try {
      const reply = await fetch(`/tuning/answer?${query}${short}`, { credentials: "same-origin" });
      const text = await reply.text();
      if (!reply.ok) throw new Error(String(reply.status));
      put(text);
      history.replaceState(null, "", `/tuning?${query}`);
    } catch (err) {
      status.textContent = form.dataset.failed;
      status.classList.add("failed");
    } finally {
      asking = false;
      if (next >= 0) {
        const level = next;
        next = -1;
        ask(level);
      }
    }
  }

  // What was typed into the form for saving stays, and so does what was opened.
  function put(text) {
    const typed = {};
    for (const input of answer.querySelectorAll("form.save input:not([type=hidden])")) typed[input.name] = input.type === "checkbox" ? input.checked : input.value;
    const open = [...answer.querySelectorAll("details")].map((one) => [key(one), one.open]);
    const drawn = [...answer.querySelectorAll("[data-part]")];
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
    for (const place of answer.querySelectorAll("[data-waits]")) {
      const was = drawn.find((one) => one.dataset.part === place.dataset.waits);
      if (!was) continue;
      was.classList.add("old"); // of the question before: drawn again when the slider rests
      place.replaceWith(was);
    }
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
    next = Math.min(next, 0);
    [TICK_MS, LOADS_MS, CURVE_MS].forEach((wait, level) => {
      clearTimeout(timers[level]);
      timers[level] = setTimeout(() => ask(level), wait);
    });
  });
  form.addEventListener("change", (event) => {
    if (event.target.dataset && event.target.dataset.step !== undefined) twin(event.target);
  });
  say();
})();
