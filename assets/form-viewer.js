// The form viewer of the task page: `createForm({ schema, data, container })` from form-js.
export { Form, createForm } from "@bpmn-io/form-js-viewer";
