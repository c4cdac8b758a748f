// The run that is kept: what it is, its states and the command that makes it again.
const aside = document.getElementById("kept");
const pick = document.getElementById("pick");
const here = document.getElementById("kept-here");
const inPerCent = (rate) => `${(100 * rate).toFixed(1)} %`;

function stateText([step, clean, robust, ood]) {
  const parts = [`clean ${inPerCent(clean)}`, `robust ${inPerCent(robust)}`];
  if (ood !== null) parts.push(`OOD ${inPerCent(ood)}`);
  return `step ${step.toLocaleString("en")}: ${parts.join(", ")}`;
}

function showKept() {
  aside.hidden = view.kept === null;
  document.documentElement.classList.toggle("has-kept", !aside.hidden);
  if (pick) pick.value = view.kept ?? "";
  here.textContent = "";
  if (aside.hidden) return;
  const place = placeOfRun.get(view.kept);
  const [best, peak, last] = facts.states[place];
  const named = new Map();
  for (const [name, state] of [["best", best], ["peak", peak], ["last", last]]) {
    named.set(state[0], [[...(named.get(state[0])?.[0] ?? []), name], state]);
  }
  document.getElementById("kept-name").textContent = view.kept;
  const where = `${facts.methods[facts.method[place]]}, seed ${facts.seed[place]}, ${facts.settings[facts.setting[place]]}`;
  document.getElementById("kept-place").textContent = where;
  document.getElementById("kept-states").replaceChildren(
    ...[...named.values()].map(([names, state]) => {
      const line = document.createElement("span");
      const label = document.createElement("b");
      label.textContent = names.join(", ");
      line.append(label, ` ${stateText(state)}`);
      return line;
    }),
  );
  document.getElementById("kept-command").textContent = facts.command[place];
}

watchers.push(showKept);
document.getElementById("release").addEventListener("click", () => keep(null));

if (pick) {
  const groups = new Map();
  facts.name.forEach((name, place) => {
    const title = `${facts.settings[facts.setting[place]]}: ${facts.methods[facts.method[place]]}`;
    if (!groups.has(title)) {
      const group = document.createElement("optgroup");
      group.label = title;
      groups.set(title, group);
    }
    groups.get(title).append(new Option(`seed ${facts.seed[place]} – ${name}`, name));
  });
  pick.append(...groups.values());
  pick.addEventListener("change", () => keep(pick.value));
}

// Names of runs become buttons when their table is opened: it may have thousands of rows.
const runTable = document.getElementById("table-runs");
runTable?.closest("details")?.addEventListener("toggle", makeButtons, { once: true });

function makeButtons() {
  for (const row of runTable.tBodies[0].rows) {
    const cell = row.cells[0];
    const name = cell.textContent;
    if (!placeOfRun.has(name)) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "run";
    button.textContent = name;
    cell.replaceChildren(button);
  }
  runTable.addEventListener("click", (event) => {
    if (event.target.matches("button.run")) keep(event.target.textContent);
  });
}

// How long ago, by the reader's clock: the file itself is the same whenever it is written.
for (const time of document.querySelectorAll("time")) {
  const minutes = Math.round((Date.now() - Date.parse(time.dateTime)) / 60000);
  if (!(minutes >= 0)) continue;
  const age = minutes < 120 ? `${minutes} min` : minutes < 2880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
  time.title = time.dateTime;
  time.textContent = `${age} ago`;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // From disk the clipboard may be refused: the older way needs a selection.
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "unseen";
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    return copied;
  }
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const copied = await copy(button.parentElement.querySelector("pre").textContent);
    button.textContent = copied ? "Copied" : "Select it";
    button.focus();
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
}
