"""Pods that follow a load, simulated: Kubernetes' autoscaler and KEDA over pods with measured service times."""
