"use strict";
(() => {
  const find = document.getElementById("find");
  if (!find) return;
  const kind = document.getElementById("kind");
  const found = document.getElementById("found");
  const lists = [...document.querySelectorAll("details.rule")];
  const examples = lists.map((list) =>
    [...list.querySelectorAll("article")].map((article) => ({ article, text: article.textContent.toLowerCase() })),
  );
  const openBefore = lists.map((list) => list.open);

  const search = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const isAsked = words.length > 0 || kind.value !== "";
    let number = 0;
    lists.forEach((list, index) => {
      const head = list.querySelector("summary").textContent.toLowerCase();
      let hits = 0;
      for (const { article, text } of examples[index]) {
        const isHit =
          words.every((word) => text.includes(word) || head.includes(word)) &&
          (kind.value === "" || article.dataset.chosen === kind.value);
        article.hidden = !isHit;
        hits += isHit;
      }
      number += hits;
      list.hidden = hits === 0;
      list.open = words.length > 0 ? hits > 0 : openBefore[index];
    });
    for (const stage of document.querySelectorAll("div.stage")) {
      stage.hidden = !stage.querySelector("details.rule:not([hidden])");
    }
    const all = examples.flat().length;
    found.textContent = isAsked ? `${number} of ${all} examples` : `${all} examples`;
  };

  const openAll = (isOpen) => {
    lists.forEach((list, index) => {
      list.open = isOpen;
      openBefore[index] = isOpen;
    });
  };

  const openTarget = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    const list = target && target.closest("details");
    if (!list) return;
    list.open = true;
    target.scrollIntoView();
    list.querySelector("summary").focus({ preventScroll: true });
  };

  find.addEventListener("input", search);
  kind.addEventListener("change", search);
  document.getElementById("open").addEventListener("click", () => openAll(true));
  document.getElementById("close").addEventListener("click", () => openAll(false));
  window.addEventListener("hashchange", openTarget);
  search();
  document.getElementById("tools").hidden = false;
  openTarget();
})();
