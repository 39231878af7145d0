{{- define "runhook.labels" -}}
{{ include "runhook.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "runhook.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "runhook.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* What is spoken on the port `http`. */}}
{{- define "runhook.scheme" -}}
{{ if .Values.tlsSecretName }}HTTPS{{ else }}HTTP{{ end }}
{{- end }}

{{/* Settings that all processes share. */}}
{{- define "runhook.env" -}}
- name: RUNHOOK_HOST
  value: {{ .Values.listenOn | quote }}
{{- if not .Values.sqlite.enabled }}
- name: RUNHOOK_DATABASE_URL_FILE
  value: /run/secrets/runhook/database-url
- name: RUNHOOK_MASTER_KEY_FILE
  value: /run/secrets/runhook/master-key
{{- end }}
{{- if .Values.tlsSecretName }}
- name: RUNHOOK_TLS_CERT
  value: /run/secrets/tls/tls.crt
- name: RUNHOOK_TLS_KEY
  value: /run/secrets/tls/tls.key
{{- end }}
{{- with .Values.publicUrl }}
- name: RUNHOOK_PUBLIC_URL
  value: {{ . | quote }}
{{- end }}
{{- with .Values.trustedProxies }}
- name: RUNHOOK_TRUSTED_PROXIES
  value: {{ . | quote }}
{{- end }}
{{- with .Values.allowNetworks }}
- name: RUNHOOK_ALLOW_NETWORKS
  value: {{ . | quote }}
{{- end }}
{{- if .Values.metrics.enabled }}
- name: RUNHOOK_METRICS_HOST
  value: {{ .Values.listenOn | quote }}
- name: RUNHOOK_METRICS_PORT
  value: "9580"
{{- end }}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* A Deployment; takes the root context, the component's name, its replicas, and what differs. */}}
{{- define "runhook.deployment" -}}
{{- $root := .root -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  labels:
    {{- include "runhook.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  replicas: {{ .replicas }}
  strategy:
    {{- if $root.Values.sqlite.enabled }}
    type: Recreate
    {{- else }}
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
    {{- end }}
  selector:
    matchLabels:
      {{- include "runhook.selector" $root | nindent 6 }}
      app.kubernetes.io/component: {{ .component }}
  template:
    metadata:
      labels:
        {{- include "runhook.labels" $root | nindent 8 }}
        app.kubernetes.io/component: {{ .component }}
      {{- with $root.Values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false # which would make a variable RUNHOOK_PORT of the Service's address
      terminationGracePeriodSeconds: {{ $root.Values.terminationGracePeriodSeconds }}
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
        runAsGroup: 10001
        fsGroup: 10001
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: runhook
          image: {{ include "runhook.image" $root }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: {{ toJson .args }}
          env:
            {{- include "runhook.env" $root | nindent 12 }}
          ports:
            {{- if eq .component "api" }}
            - name: http
              containerPort: 8580
            {{- end }}
            {{- if $root.Values.metrics.enabled }}
            - name: metrics
              containerPort: 9580
            {{- end }}
          {{- if eq .component "api" }}
          # The first process of a new version migrates the database, and the others wait for it.
          startupProbe:
            httpGet: {path: /healthz, port: http, scheme: {{ include "runhook.scheme" $root }}}
            periodSeconds: 2
            failureThreshold: 450
          livenessProbe:
            httpGet: {path: /healthz, port: http, scheme: {{ include "runhook.scheme" $root }}}
            periodSeconds: 10
            timeoutSeconds: 5
          readinessProbe:
            httpGet: {path: /readyz, port: http, scheme: {{ include "runhook.scheme" $root }}}
            periodSeconds: 5
            timeoutSeconds: 5
          lifecycle:
            preStop:
              # Until no proxy sends requests here any more.
              exec:
                command: [sleep, "5"]
          {{- else if $root.Values.metrics.enabled }}
          startupProbe:
            tcpSocket: {port: metrics}
            periodSeconds: 2
            failureThreshold: 450
          livenessProbe:
            tcpSocket: {port: metrics}
            periodSeconds: 10
          {{- end }}
          resources:
            {{- toYaml $root.Values.resources | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
          volumeMounts:
            - name: data
              mountPath: /var/lib/runhook
            - name: tmp
              mountPath: /tmp
            {{- if not $root.Values.sqlite.enabled }}
            - name: secrets
              mountPath: /run/secrets/runhook
              readOnly: true
            {{- end }}
            {{- if $root.Values.tlsSecretName }}
            - name: tls
              mountPath: /run/secrets/tls
              readOnly: true
            {{- end }}
      volumes:
        - name: data
          {{- if $root.Values.sqlite.enabled }}
          persistentVolumeClaim:
            claimName: {{ $root.Release.Name }}
          {{- else }}
          emptyDir: {}
          {{- end }}
        - name: tmp
          emptyDir: {}
        {{- if not $root.Values.sqlite.enabled }}
        - name: secrets
          secret:
            secretName: {{ $root.Values.secretName }}
            defaultMode: 0440
        {{- end }}
        {{- with $root.Values.tlsSecretName }}
        - name: tls
          secret:
            secretName: {{ . }}
            defaultMode: 0440
        {{- end }}
      {{- with $root.Values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $root.Values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $root.Values.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- else }}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "runhook.selector" $root | nindent 14 }}
              app.kubernetes.io/component: {{ .component }}
      {{- end }}
{{- end }}
