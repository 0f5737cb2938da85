# hardiness on a CPU:  docker build -t hardiness .  &&  docker run --rm -v /data:/data -v "$PWD/runs:/runs" hardiness \
#   run -m efficientnet_lite0 -b imagenet-val --data /data --out /runs/first
FROM python:3.11-slim
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 HARDINESS_CACHE=/cache
RUN pip install torch torchvision --index-url https://download.pytorch.org/whl/cpu
WORKDIR /opt/hardiness
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN pip install '.[demo,hf,onnx]' && hardiness data get frost && chmod -R a+rwX /cache
RUN useradd --create-home user
USER user
WORKDIR /home/user
ENTRYPOINT ["hardiness"]
CMD ["--help"]
