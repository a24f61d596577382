{{- define "backoffice.labels" -}}
app.kubernetes.io/name: backoffice
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "backoffice.selector" -}}
app.kubernetes.io/name: backoffice
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
