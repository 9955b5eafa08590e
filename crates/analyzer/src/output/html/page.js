"use strict";
const filters = document.getElementById("filters");
const findings = Array.from(document.querySelectorAll("article"));
const shown = document.getElementById("shown");

function apply() {
  const chosen = new FormData(filters);
  const severities = new Set(chosen.getAll("severity"));
  const rule = chosen.get("rule");
  const words = String(chosen.get("text")).toLowerCase();
  const accepted = chosen.has("accepted");
  let count = 0;
  for (const finding of findings) {
    const visible = severities.has(finding.dataset.severity)
      && (rule === "" || rule === finding.dataset.rule)
      && (accepted || !("accepted" in finding.dataset))
      && (words === "" || finding.textContent.toLowerCase().includes(words));
    finding.hidden = !visible;
    count += visible ? 1 : 0;
  }
  shown.textContent = `${count} of ${findings.length} shown`;
}

filters.addEventListener("input", apply);
filters.addEventListener("submit", (event) => event.preventDefault());
filters.hidden = false;
apply();
