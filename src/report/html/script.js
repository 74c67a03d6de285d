"use strict";
(function () {
  const root = document.documentElement;
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));
  const one = (id) => document.getElementById(id);

  // What needs this script is hidden without it.
  all("[data-needs-script]").forEach((element) => { element.hidden = false; });

  // Colours: the system's, light, dark.
  all("[data-theme-choice]").forEach((button) => button.addEventListener("click", () => {
    const choice = button.dataset.themeChoice;
    if (choice === "system") delete root.dataset.theme; else root.dataset.theme = choice;
    all("[data-theme-choice]").forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
  }));

  // Copying, where the clipboard is refused by selection.
  const say = (words) => { one("said").textContent = words; };
  async function copy(button) {
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(code);
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      document.execCommand("copy");
      selection.removeAllRanges();
    }
    button.textContent = "Copied";
    say("Copied");
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".commands button");
    if (button) copy(button);
  });

  // Filters. A list is `data-list`, its tools are in the form before it.
  all("[data-list]").forEach((list) => {
    const tools = list.querySelector(".tools");
    if (!tools) return;
    const items = all("[data-item]", list);
    const texts = new Map();
    const text = (item) => {
      if (!texts.has(item)) texts.set(item, item.textContent.toLowerCase());
      return texts.get(item);
    };
    const count = tools.querySelector("output");
    const apply = () => {
      const ticked = all("input[type=checkbox]", tools);
      const on = new Set(ticked.filter((box) => box.checked).map((box) => box.value));
      const words = tools.querySelector("input[type=search]").value.toLowerCase().split(/\s+/).filter(Boolean);
      const selects = all("select", tools).filter((select) => select.value !== "");
      let shown = 0;
      items.forEach((item) => {
        const kind = ticked.length === 0 || on.has(item.dataset.kind);
        const chosen = selects.every((select) => (item.dataset[select.name] || "").split(" ").includes(select.value));
        const found = words.every((word) => text(item).includes(word));
        item.hidden = !(kind && chosen && found);
        if (!item.hidden) shown += 1;
      });
      count.textContent = shown + " of " + items.length + " shown";
      all("details[data-folded]", list).forEach((folded) => {
        const narrowed = words.length > 0 || selects.length > 0;
        if (narrowed && folded.querySelector("[data-item]:not([hidden])")) folded.open = true;
      });
    };
    tools.addEventListener("input", apply);
    tools.addEventListener("reset", () => setTimeout(apply));
    tools.addEventListener("submit", (event) => event.preventDefault());
    apply();
  });

  // A click in the picture shows the device beside it.
  const drawer = one("drawer");
  const body = one("drawer-body");
  const copyOf = (element) => {
    const clone = element.cloneNode(true);
    [clone, ...all("[id]", clone)].forEach((part) => part.removeAttribute("id"));
    clone.hidden = false;
    return clone;
  };
  function show(device) {
    one("drawer-title").textContent = device.dataset.title;
    body.replaceChildren(copyOf(device.querySelector(".inner")));
    const numbers = (device.dataset.findings || "").split(" ").filter(Boolean);
    numbers.forEach((id) => body.append(copyOf(one(id))));
    drawer.showModal();
    body.scrollTop = 0;
    drawer.scrollTop = 0;
  }
  all("svg a").forEach((link) => link.addEventListener("click", (event) => {
    const target = one(decodeURIComponent(link.getAttribute("href").slice(1)));
    const device = target && target.closest(".device");
    if (!device || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(device);
  }));
  one("drawer-close").addEventListener("click", () => drawer.close());
  drawer.addEventListener("click", (event) => {
    if (event.target === drawer || event.target.closest("a[href]")) drawer.close();
  });

  // A place that is gone to is opened, wherever it is folded in, and shown though it was filtered out.
  function reveal() {
    const target = one(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let part = target; part; part = part.parentElement) {
      if (part.tagName === "DETAILS") part.open = true;
      if (part.dataset && "item" in part.dataset) part.hidden = false;
    }
    target.scrollIntoView();
  }
  addEventListener("hashchange", reveal);
  if (location.hash) reveal();

  // On paper everything is open.
  addEventListener("beforeprint", () => all("details").forEach((details) => { details.open = true; }));
})();
