{{- /* A Deployment that only reads, with an account and a Role of its own: the page (dashboard), the export of spans (traces).
It is in the namespace of the release and reads all namespaces; with watchNamespaces there is one in each of these, and
it reads that one. Arguments: root, component, args, rules, env, resources, port (of a page; else there is none). */ -}}
{{- define "poolkeeper.reader" -}}
{{- $root := .root }}
{{- $reader := . }}
{{- $name := printf "%s-%s" (include "poolkeeper.fullname" $root) .component }}
{{- $labels := include "poolkeeper.labels" $root | replace "component: operator" (printf "component: %s" .component) }}
{{- $selector := include "poolkeeper.selector" $root | replace "component: operator" (printf "component: %s" .component) }}
{{- $narrow := $root.Values.watchNamespaces }}
{{- $names := default (list $root.Release.Namespace) $narrow }}
{{- if and $root.Values.rbac.create (not $narrow) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ $name }}
  labels:
    {{- $labels | nindent 4 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ $name }}
  labels:
    {{- $labels | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ $name }}
    namespace: {{ $root.Release.Namespace }}
{{- end }}
{{- range $namespace := $names }}
{{- if and $root.Values.rbac.create $narrow }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ $name }}
  namespace: {{ $namespace }}
  labels:
    {{- $labels | nindent 4 }}
rules:
  {{- $reader.rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ $name }}
  namespace: {{ $namespace }}
  labels:
    {{- $labels | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ $name }}
    namespace: {{ $namespace }}
{{- end }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  namespace: {{ $namespace }}
  labels:
    {{- $labels | nindent 4 }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ $namespace }}
  labels:
    {{- $labels | nindent 4 }}
spec:
  replicas: 1
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      {{- $selector | nindent 6 }}
  template:
    metadata:
      labels:
        {{- $labels | nindent 8 }}
    spec:
      serviceAccountName: {{ $name }}
      enableServiceLinks: false
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        runAsNonRoot: true
        {{- if $root.Values.children.fixedUser }}
        runAsUser: 65532
        runAsGroup: 65532
        {{- end }}
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: {{ $reader.component }}
          image: {{ include "poolkeeper.image" (dict "image" $root.Values.image "version" $root.Chart.AppVersion) | quote }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: {{ concat $reader.args (ternary (list "--namespace" $namespace) (list "--all-namespaces") (not (empty $narrow))) | toJson }}
          {{- with $reader.env }}
          env:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with $reader.port }}
          ports:
            - name: page
              containerPort: {{ . }}
          readinessProbe:
            httpGet: {path: /, port: page}
            periodSeconds: 10
            timeoutSeconds: 5
          livenessProbe:
            httpGet: {path: /, port: page}
            periodSeconds: 20
            timeoutSeconds: 5
            failureThreshold: 3
          {{- end }}
          resources:
            {{- toYaml $reader.resources | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
      {{- with $root.Values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $root.Values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- if $root.Values.children.networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ $name }}
  namespace: {{ $namespace }}
  labels:
    {{- $labels | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- $selector | nindent 6 }}
  policyTypes: [Ingress]
  {{- if and $reader.port $reader.allowedFrom }}
  ingress:
    - ports:
        - port: {{ $reader.port }}
          protocol: TCP
      from:
        {{- range $reader.allowedFrom }}
        {{- if .cidr }}
        - ipBlock: {cidr: {{ .cidr | quote }}}
        {{- else }}
        - podSelector: {{ if .podLabels }}{matchLabels: {{ .podLabels | toJson }}}{{ else }}{}{{ end }}
          {{- if hasKey . "namespaceLabels" }}
          namespaceSelector: {{ if .namespaceLabels }}{matchLabels: {{ .namespaceLabels | toJson }}}{{ else }}{}{{ end }}
          {{- end }}
        {{- end }}
        {{- end }}
  {{- else }}
  ingress: []
  {{- end }}
{{- end }}
{{- if $reader.port }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  namespace: {{ $namespace }}
  labels:
    {{- $labels | nindent 4 }}
spec:
  selector:
    {{- $selector | nindent 4 }}
  ports:
    - name: page
      port: {{ $reader.port }}
      targetPort: page
{{- end }}
{{- end }}
{{- end }}
