// Small help on the submission form: more material rows, an identity type that fits, and a running digit count.
const NUMBER_LENGTH = 18;

const materials = document.querySelector("#materials tbody");
const template = document.querySelector("#material-row");
let next = materials ? materials.rows.length : 0;

document.querySelector("#add-material")?.addEventListener("click", () => {
  const row = template.content.cloneNode(true);
  for (const field of row.querySelectorAll("[name]")) field.name = field.name.replace(".N.", `.${next}.`);
  for (const picker of row.querySelectorAll("[data-files]")) {
    picker.dataset.files = picker.dataset.files.replace(".N.", `.${next}.`);
  }
  next += 1;
  materials.append(row);
  materials.lastElementChild.querySelector("input[type=text]").focus();
});

document.querySelector("#tick-required")?.addEventListener("click", () => {
  for (const box of materials.querySelectorAll("[data-required] input[type=checkbox]")) box.checked = true;
});

const kinds = document.querySelectorAll("[name='applicant.kind']");
const idType = document.querySelector("#id-type");
for (const kind of kinds) {
  kind.addEventListener("change", () => {
    idType.value = kind.value === "organization" ? "uscc" : "id_card";
  });
}

const number = document.querySelector("#id-number");
const hint = document.querySelector("#id-hint");
number?.addEventListener("input", () => {
  const typed = number.value.replace(/\s/g, "").length;
  if (typed === 0) hint.textContent = `共 ${NUMBER_LENGTH} 位，提交时核对校验码`;
  else if (typed < NUMBER_LENGTH) hint.textContent = `已输入 ${typed} 位，还差 ${NUMBER_LENGTH - typed} 位`;
  else if (typed > NUMBER_LENGTH) hint.textContent = `多了 ${typed - NUMBER_LENGTH} 位，请核对`;
  else hint.textContent = "18 位，提交时核对校验码";
});
