{{- define "galley.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "galley.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- $name := include "galley.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "galley.operator" -}}
{{ include "galley.fullname" . }}-operator
{{- end }}

{{- define "galley.selector" -}}
app.kubernetes.io/name: {{ include "galley.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "galley.labels" -}}
{{ include "galley.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "galley.image" -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag }}{{ end }}
{{- end }}

{{- define "galley.operatorServiceAccount" -}}
{{- if .Values.operator.serviceAccount.create }}
{{- default (include "galley.operator" .) .Values.operator.serviceAccount.name }}
{{- else }}
{{- required "operator.serviceAccount.name: name it, or let the chart make it (create: true)" .Values.operator.serviceAccount.name }}
{{- end }}
{{- end }}

{{- /* The namespaces that get the drivers' service account, as a JSON list. */ -}}
{{- define "galley.jobNamespaces" -}}
{{- $namespaces := .Values.jobNamespaces | default .Values.watchNamespaces | default (list .Release.Namespace) }}
{{- $watched := .Values.watchNamespaces }}
{{- if $watched }}
{{- range $namespaces }}
{{- if not (has . $watched) }}
{{- fail (printf "jobNamespaces: %s is not one of watchNamespaces: nobody would look after its applications" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- $namespaces | uniq | toJson }}
{{- end }}
