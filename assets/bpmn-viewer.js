// The live diagram of the case page: a BPMN viewer with zoom and scroll, loaded only when a diagram is shown.
export { default as BpmnViewer } from "bpmn-js/lib/NavigatedViewer";
